"""Changes to a spec's text that keep everything else as it is: comments, order, quotes."""

import contextlib
import re
from collections.abc import Iterable, Sequence

import msgspec

from mlspec.diagnostics import Diagnostic, Edit, Fix, Hint, Span
from mlspec.document import Document, Node, Path, scalar
from mlspec.machine.patterns import pattern

_PLAIN = pattern(r"[A-Za-z_./][\w./-]*(?: [\w./-]+)*\Z")


def written(value: str) -> str:
    """A text as YAML, quoted where it has to be."""
    with contextlib.suppress(ValueError):  # .nan and .inf
        if _PLAIN.match(value) and scalar(value) == value:
            return value
    return msgspec.json.encode(value).decode()


def diagnostic(
    document: Document,
    code: str,
    path: Path,
    message: str,
    label: str | Hint = "",
    *notes: str,
    severity: str = "error",
    key: bool = False,
) -> Diagnostic:
    """A finding at a place in a document, with the edits that its hint names."""
    return Diagnostic(
        code=code,
        message=message,
        span=document.span(path, key=key),
        label=label if isinstance(label, str) else label.text,
        notes=notes,
        severity=severity,
        fixes=fixes(document, path, label, key=key),
    )


def fixes(document: Document, path: Path, hint: str | Hint, *, key: bool = False) -> tuple[Fix, ...]:
    """The ways out that a hint names, as edits; ``key``: what is underlined is the key of the path."""
    if isinstance(hint, str) or not hint.puts:
        return ()
    where = path if hint.at is None else hint.at
    made = (_edit(document, where, put, key=key and hint.at is None) for put in hint.puts)
    edits = [edit for edit in made if edit is not None]
    return tuple(Fix(_title(document, edit), (edit,), hint.sure and len(hint.puts) == 1) for edit in edits)


def _title(document: Document, edit: Edit) -> str:
    there = held(document.texts[edit.span.file], edit.span)
    text = " ".join(edit.text.split()).rstrip(",")
    return f"replace {there} by {text}" if there else f"add {text}"


def _edit(document: Document, path: Path, put: str, *, key: bool) -> Edit | None:
    """None where what is written there is not what the path holds: a value of a preset, an option, a text on several
    lines."""
    node, parent = document.node(path), document.node(path[:-1])
    if key and parent is not None and parent.kind == "map":
        siblings = {k.value: k for k, _ in parent.value}
        name = siblings.get(path[-1])
        if name is None or _value(put) in siblings:
            return None
        made = _replaced(document, name, put)
        # What is quoted may stand right before its colon.
        quoted = made is not None and held(document.texts[document.file], made.span)[0] in "\"'" and put[0] != '"'
        return msgspec.structs.replace(made, text=f'"{put}"') if made is not None and quoted else made
    if node is not None:
        return _replaced(document, node, put)
    if parent is None and path:
        return _edit(document, path[:-1], f"{{{path[-1]}: {put}}}", key=False)
    return None if parent is None or parent.kind != "map" else _added(document, parent, f"{path[-1]}: {put}")


def _replaced(document: Document, node: Node, put: str) -> Edit | None:
    span = node.span()
    there = held(document.texts.get(span.file, ""), span)
    if node.kind != "scalar" or not there or span.file != document.file or _value(there) != node.value:
        return None
    return Edit(span, put)


def _added(document: Document, parent: Node, pair: str) -> Edit | None:
    """A first pair of a mapping."""
    span, text = parent.span(), document.texts.get(document.file, "")
    if span.file != document.file or not parent.value:
        return None
    if held(text, Span(span.file, span.line, span.column, span.line, span.column + 1)) == "{":
        return Edit(Span(span.file, span.line, span.column + 1, span.line, span.column + 1), f"{pair}, ")
    first = parent.value[0][0].span()
    return Edit(
        Span(first.file, first.line, first.column, first.line, first.column), f"{pair}\n{' ' * (first.column - 1)}"
    )


def _value(text: str) -> object:
    """What a scalar on one line is; None where it has a tag or an anchor, or is none."""
    try:
        return scalar(text) if text[0] not in "\"'" else _unquoted(text)
    except ValueError:
        return None


def _unquoted(text: str) -> object:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return None


def held(text: str, span: Span) -> str:
    """What a span on one line holds; nothing where it is on several."""
    if span.line != span.end_line:
        return ""
    lines = text.split("\n")
    return lines[span.line - 1][span.column - 1 : span.end_column - 1] if 0 < span.line <= len(lines) else ""


def offset(starts: Sequence[int], length: int, line: int, column: int) -> int:
    """Where in a text a place is; ``starts`` are the offsets of its lines."""
    return min(starts[line - 1] + column - 1, length) if 0 < line <= len(starts) else length


def starts(text: str) -> list[int]:
    """The offset of each line of a text."""
    return [0, *(found.end() for found in re.finditer("\n", text))]


def applied(text: str, edits: Iterable[Edit]) -> str:
    """A text with edits that do not overlap; of those that do, the first counts."""
    at, done, parts = starts(text), 0, []
    for edit in sorted(edits, key=lambda edit: edit.span):
        begin = offset(at, len(text), edit.span.line, edit.span.column)
        end = offset(at, len(text), edit.span.end_line, edit.span.end_column)
        if begin < done:
            continue
        parts += [text[done:begin], edit.text]
        done = max(begin, end)
    return "".join([*parts, text[done:]])
