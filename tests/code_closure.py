"""Which code decides a result: every function, class and constant that a function can reach, by what is written.

A name is followed through the imports of its module, also those inside functions; a class counts whole. What only plug-
ins decide has a version of its own, so the ways to them (``registry``) end here, as do messages and the machine below.
"""

import ast
import copy
import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path

import mlspec

SOURCE = Path(mlspec.__file__).parent
# What they do changes no result: messages, names of plug-ins, processes and files, what a spec says.
OUTSIDE = (
    "mlspec.diagnostics",
    "mlspec.registry",
    "mlspec.machine",
    "mlspec.document",
    "mlspec.spec",
    "mlspec.testing",
)
Symbol = tuple[str, str]


@functools.cache
def module(name: str) -> "tuple[dict[str, ast.AST], dict[str, tuple[str, str | None]]] | None":
    """The top-level definitions of a module of ours and its imports (local name -> module, symbol or None)."""
    base = SOURCE.joinpath(*name.split(".")[1:])
    path = next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)
    if path is None or name.split(".")[0] != "mlspec":
        return None
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: dict[str, tuple[str, str | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "mlspec":
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = exists(inner)
                imports[alias.asname or alias.name] = (inner, None) if is_module else (node.module, alias.name)
    found: dict[str, ast.AST] = {}
    for node in tree.body:
        for defined in names(node):
            found[defined] = node
    return found, imports


def exists(name: str) -> bool:
    """Whether there is such a module of ours."""
    base = SOURCE.joinpath(*name.split(".")[1:])
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


def names(node: ast.AST) -> Iterator[str]:
    """What a statement at the top of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def reached(start: str, *symbols: str) -> set[Symbol]:
    """All (module, symbol) that these symbols of a module can reach; all of the module where none is named."""
    first = module(start)
    assert first is not None, start
    waiting = [(start, symbol) for symbol in symbols or first[0]]
    seen: set[Symbol] = set()
    while waiting:
        symbol = waiting.pop()
        known = module(symbol[0])
        if symbol in seen or known is None or symbol[0].startswith(OUTSIDE):
            continue
        definitions, imports = known
        if symbol[1] not in definitions:
            if symbol[1] in imports and imports[symbol[1]][1] is not None:  # a name that is passed on
                waiting.append((imports[symbol[1]][0], imports[symbol[1]][1] or ""))
            continue
        seen.add(symbol)
        for node in ast.walk(definitions[symbol[1]]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                target = imports.get(node.value.id)
                if target is not None and target[1] is None:
                    waiting.append((target[0], node.attr))
            if isinstance(node, ast.Name):
                if node.id in definitions:
                    waiting.append((symbol[0], node.id))
                elif node.id in imports:
                    inner, wanted = imports[node.id]
                    waiting += [(inner, wanted)] if wanted else []
    return seen


class _Plain(ast.NodeTransformer):
    """Docstrings, annotations and the names of modules out: a move or a rename of files changes no behaviour."""

    def __init__(self, modules: set[str]) -> None:
        self.modules = modules

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        return super().generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in self.modules:
            return ast.Name(node.attr, ast.Load())
        return self.generic_visit(node)


@functools.cache
def text(symbol: Symbol) -> str:
    """What a definition does, whatever its file and its modules are called."""
    known = module(symbol[0])
    assert known is not None
    definitions, imports = known
    modules = {name for name, (_module, wanted) in imports.items() if wanted is None}
    return ast.dump(_Plain(modules).visit(copy.deepcopy(definitions[symbol[1]])))


def digest(symbols: set[Symbol]) -> str:
    """A digest of these definitions that comments, docstrings, layout and moves do not change."""
    total = hashlib.sha256()
    for found in sorted(f"{name}\0{text((where, name))}" for where, name in symbols):
        total.update(found.encode())
    return total.hexdigest()[:16]
