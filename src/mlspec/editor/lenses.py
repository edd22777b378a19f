"""What is shown in the text: the last run's values at gates, defaults of keys that are left out, the outline."""

from collections.abc import Iterator

from msgspec import Struct

from mlspec.diagnostics import Span
from mlspec.document import Node, Path
from mlspec.editor import places, shapes
from mlspec.editor.state import Opened
from mlspec.formatting import interval, quantity

MOST = 200


class Lens(Struct, frozen=True):
    """A text at a place."""

    span: Span
    text: str


class Symbol(Struct, frozen=True):
    """An entry of the outline: its name, where its key is, where it is as a whole, what is below it."""

    name: str
    key: Span
    whole: Span
    below: "tuple[Symbol, ...]" = ()


def gate(opened: Opened, path: Path) -> str:
    """What the last run says of the gates that are stated at a path."""
    if opened.lock is None:
        return ""
    said = []
    for name, place in opened.known.requirements.items():
        kept = opened.lock.gates.get(f"gate.{name}")
        if place == path and kept is not None:
            value = None if kept.value is None else float(kept.value)
            near = [None if end is None else float(end) for end in (kept.low, kept.high)]
            unit = kept.unit or opened.known.units.get(name, "")
            ends = interval(near[0], near[1], unit)
            said.append(
                f"last run: {kept.requirement}: {quantity(value, unit, near)} {ends}".rstrip() + f", {kept.verdict}"
            )
    return "; ".join(said)


def lenses(opened: Opened) -> Iterator[Lens]:
    """At each gate the last run's value and verdict."""
    document = opened.document
    if document is None or not opened.is_current:
        return
    for path in dict.fromkeys(opened.known.requirements.values()):
        text = gate(opened, path)
        if text and document.node(path) is not None:
            yield Lens(document.span(path, key=isinstance(path[-1], str)), text)


def inlays(opened: Opened, first: int, last: int) -> Iterator[Lens]:
    """The defaults of keys that mappings between two lines leave out, behind the last of their keys."""
    document = opened.document
    if document is None or not opened.is_current:
        return
    shown = 0
    for path, node, _ in places.every(document):
        if node.kind != "map" or not node.value or not first <= node.start[0] <= last or shown == MOST:
            continue
        wanted = shapes.at(path, opened.value)
        if wanted is None or wanted.kind not in ("object", "plugin") or path[:1] == ("profiles",) or not path:
            continue
        given = {key.value for key, _ in node.value}
        left = {
            name: shapes.default_of(field)
            for name, field in shapes.entries(wanted, path, opened.value).items()
            if name not in given
        }
        texts = [f"{name}: {default}" for name, default in left.items() if default is not None]
        if texts:
            shown += 1
            yield Lens(_behind(node.value[-1][1]), ", ".join(texts))


def _behind(node: Node) -> Span:
    line, column = node.end if node.kind == "scalar" else node.start
    return Span(node.file, line + 1, column + 1, line + 1, column + 1)


def symbols(opened: Opened) -> tuple[Symbol, ...]:
    """The outline of a spec, three levels deep."""
    return () if opened.document is None else tuple(_symbols(opened.document.root, 3, opened.file))


def _symbols(node: Node, levels: int, file: str) -> Iterator[Symbol]:
    if node.kind != "map" or not levels:
        return
    for key, item in node.value:
        if key.file == item.file == file:
            whole = Span(file, key.start[0] + 1, key.start[1] + 1, *_end(key, item))
            yield Symbol(str(key.value), key.span(), whole, tuple(_symbols(item, levels - 1, file)))


def _end(key: Node, item: Node) -> tuple[int, int]:
    line, column = max(key.end, item.end)
    return line + 1, column + 1
