"""The mutants of a module: its syntax tree with one small change each."""

import ast
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr, ast.LShift: ast.RShift, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
}  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Mutant(NamedTuple):
    """One change: at which line of the module, in which function (empty: outside of all), what; ``tree`` makes it."""

    line: int
    where: str
    what: str
    tree: Callable[[], ast.Module]


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its lines."""
    for number, (node, where) in enumerate(_walk(ast.parse(source), "", False)):
        for what, change in _changes(node):
            yield Mutant(getattr(node, "lineno", 0), where, what, partial(_made, source, number, change))


def _made(source: str, number: int, change: Callable[[Any], object]) -> ast.Module:
    tree = ast.parse(source)
    change(next(islice(_walk(tree, "", False), number, None))[0])
    return ast.fix_missing_locations(tree)


def _walk(node: ast.AST, where: str, in_class: bool) -> Iterator[tuple[ast.AST, str]]:
    """What may be changed, with the function around it. Annotations, docstrings, imports and bodies of classes, which
    say the shape of data, are left alone."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "ctx", "type_comment"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_text(child) or isinstance(child, ast.JoinedStr | ast.Import):
                continue
            if _is_for_checkers(child):
                continue
            inner = where
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{where}.{child.name}" if where else child.name
            klass = isinstance(child, ast.ClassDef) or (in_class and not isinstance(child, FUNCTIONS))
            if not klass:
                yield child, inner
            yield from _walk(child, inner, klass)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_checkers(node: ast.AST) -> bool:
    """What type checkers and ``import *`` read alone."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Subscript(value=ast.Name(id="Literal")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.Assign(value=ast.Call(func=ast.Name(id="TypeVar"))):
            return True
    return False


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    match node:
        case ast.Compare(ops=[op, *_]) if type(op) in COMPARED:
            new = COMPARED[type(op)]
            yield f"{type(op).__name__} -> {new.__name__}", lambda twin: twin.ops.__setitem__(0, new())
        case ast.BoolOp(op=op):
            other = ast.And if isinstance(op, ast.Or) else ast.Or
            yield f"{type(op).__name__} -> {other.__name__}", lambda twin: setattr(twin, "op", other())
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in COMPUTED:
            result = COMPUTED[type(op)]
            yield f"{type(op).__name__} -> {result.__name__}", lambda twin: setattr(twin, "op", result())
        case ast.UnaryOp(op=ast.Not()):
            yield "not dropped", lambda twin: _become(twin, ast.Call(ast.Name("bool", ast.Load()), [twin.operand], []))
        case ast.Constant(value=bool() as value):
            yield f"{value} -> {not value}", lambda twin: setattr(twin, "value", not value)
        case ast.Constant(value=int() | float() as value):
            yield f"{value} -> {value + 1}", lambda twin: setattr(twin, "value", value + 1)
        case ast.Constant(value=str() as value) if value and " " not in value and value.isprintable():
            yield f"{value!r} -> {value + '_'!r}", lambda twin: setattr(twin, "value", value + "_")
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield "return None", lambda twin: setattr(twin, "value", ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield f"dropped: {ast.unparse(node)[:60]}", lambda twin: _become(twin, ast.Pass())
        case ast.Continue():
            yield "continue -> break", lambda twin: _become(twin, ast.Break())
        case ast.Break():
            yield "break -> continue", lambda twin: _become(twin, ast.Continue())
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield "condition negated", lambda twin: setattr(twin, "test", ast.UnaryOp(ast.Not(), twin.test))


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _become(node: Any, other: ast.AST) -> None:
    """A node turns into another one in its place."""
    line = getattr(node, "lineno", 1)
    fields = vars(other) | {"lineno": line, "col_offset": 0}
    node.__class__ = other.__class__
    for name in list(vars(node)):
        delattr(node, name)
    for name, value in fields.items():
        setattr(node, name, value)
