"""The values of a tree by where they are."""

from collections.abc import Iterator

from msgspec import Struct

from mlspec.diagnostics import Span
from mlspec.document import Document, Node, Path


class Place(Struct, frozen=True):
    """A key or a value of a document: its path and where it is."""

    path: Path
    span: Span
    is_key: bool


def at(document: Document, line: int, column: int) -> Place | None:
    """The key or scalar at a place, which counts from 0; None where there is none."""
    here = (line, column)
    path: Path = ()
    node: Node | None = document.root
    while node is not None and node.kind != "scalar":
        # The entry before the place is the only one that can hold it: where a block ends is not known.
        inner = _last(node, here)
        if inner is None:
            return None
        part, key, item = inner
        path = (*path, part)
        if key is not None and key.start <= here <= key.end:
            return Place(path, key.span(), True)
        node = item if item.start <= here else None
    if node is None or node.end < here or node.file != document.file:
        return None
    return Place(path, node.span(), False)


def _last(node: Node, here: tuple[int, int]) -> tuple[str | int, Node | None, Node] | None:
    """The last entry of a mapping or list that begins before a place."""
    if node.kind == "map":
        before = [(key.value, key, item) for key, item in node.value if key.start <= here]
    else:
        before = [(index, None, item) for index, item in enumerate(node.value) if item.start <= here]
    return before[-1] if before else None


def every(document: Document) -> Iterator[tuple[Path, Node, Node | None]]:
    """Every value with its path, and its key where it has one, in the text's order."""
    waiting: list[tuple[Path, Node, Node | None]] = [((), document.root, None)]
    while waiting:
        path, node, key = waiting.pop()
        yield path, node, key
        if node.kind == "map":
            waiting += [((*path, k.value), item, k) for k, item in reversed(node.value)]
        elif node.kind == "list":
            waiting += [((*path, index), item, None) for index, item in reversed(list(enumerate(node.value)))]
