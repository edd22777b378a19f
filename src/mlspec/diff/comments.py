"""The comments of a spec, each with what it is about: the entry beside it or below it, or the list that it closes."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from mlspec.document import Document, Node, Path

Slot = Literal["above", "beside", "end"]
Place = tuple[int, int]


class Comment(Struct, frozen=True):
    """One line of comment: where it is, its text from the ``#`` on, and what it is about.

    ``above`` and ``beside`` an entry; ``end``: after the last entry of a mapping or list, or behind its bracket.
    """

    place: Place
    text: str
    at: Path
    slot: Slot


class Entry(Struct, frozen=True):
    """An entry of a mapping or list: its path, where its key or dash is, and where its text starts and ends."""

    at: Path
    start: Place
    end: Place


def comments(document: Document) -> list[Comment]:
    """Every comment of a document that was read from one text, in the order of its lines."""
    text = document.texts[document.file].removeprefix("\ufeff")
    if "#" not in text:
        return []
    lines = text.splitlines()
    entries = sorted(_entries(document.root, ()), key=lambda one: (one.start, len(one.at)))
    covered = _covered(document.root, lines)
    first: dict[int, Entry] = {}
    closing: dict[int, Path] = {}
    for entry in entries:
        first.setdefault(entry.start[0], entry)
    for path, node in _nodes(document.root, ()):
        if node.kind != "scalar" and node.end[0] > node.start[0]:
            closing.setdefault(node.end[0], path)
    starts = sorted(first)
    found = []
    for number, line in enumerate(lines):
        column = _start(line, covered.get(number, ()))
        if column is None:
            continue
        text, before = line[column:].rstrip(), line[:column].strip()
        if before and number in first:
            found.append(Comment((number, column), text, first[number].at, "beside"))
        elif before and number in closing and before[0] in "]}":
            found.append(Comment((number, column), text, closing[number], "end"))
        else:
            at, slot = _about(number, column, starts, first)
            found.append(Comment((number, column), text, at, slot))
    return found


def _about(number: int, column: int, starts: list[int], first: dict[int, Entry]) -> tuple[Path, Slot]:
    """What a comment on its own line is about: the entry below it, unless it is indented like those before it."""
    from bisect import bisect_right

    index = bisect_right(starts, number)
    after = first[starts[index]] if index < len(starts) else None
    depth = -1 if after is None else after.start[1]
    if index and column > depth:
        # The line of an entry begins with its outermost one; one of the lines before has the same indent.
        for line in reversed(starts[max(0, index - 100) : index]):
            entry = first[line]
            if depth < entry.start[1] <= column and len(entry.at) > 1:
                return entry.at[:-1], "end"
            if entry.start[1] <= depth:
                break
    return ((), "end") if after is None else (after.at, "above")


def _start(line: str, covered: tuple[tuple[int, int], ...] | list[tuple[int, int]]) -> int | None:
    """Where the comment of a line starts: at a ``#`` at its start or behind white space, and in no value."""
    at = line.find("#")
    while at >= 0:
        if (at == 0 or line[at - 1] in " \t") and not any(low <= at < high for low, high in covered):
            return at
        at = line.find("#", at + 1)
    return None


def _nodes(node: Node, at: Path) -> Iterator[tuple[Path, Node]]:
    stack = [(at, node)]
    while stack:
        path, one = stack.pop()
        yield path, one
        if one.kind == "map":
            stack += [((*path, key.value), value) for key, value in reversed(one.value)]
        elif one.kind == "list":
            stack += [((*path, index), item) for index, item in reversed(list(enumerate(one.value)))]


def _entries(root: Node, at: Path) -> Iterator[Entry]:
    for path, node in _nodes(root, at):
        if node.kind == "map":
            for key, value in node.value:
                yield Entry((*path, key.value), key.start, value.end)
        elif node.kind == "list":
            for index, item in enumerate(node.value):
                yield Entry((*path, index), item.start, item.end)


def _covered(root: Node, lines: list[str]) -> dict[int, list[tuple[int, int]]]:
    """The columns of each line that are in a value or key."""
    found: dict[int, list[tuple[int, int]]] = {}
    for _path, node in _nodes(root, ()):
        scalars = [key for key, _ in node.value] if node.kind == "map" else [node] if node.kind == "scalar" else []
        for scalar in scalars:
            (low, start), (high, end) = scalar.start, scalar.end
            if low == high:
                found.setdefault(low, []).append((start, end))
                continue
            # The first line of a block (`|`) is its mark, behind which a comment may be.
            if not _is_block(lines[low][start:]):
                found.setdefault(low, []).append((start, len(lines[low])))
            for number in range(low + 1, min(high, len(lines) - 1) + 1):
                found.setdefault(number, []).append((0, end if number == high else len(lines[number])))
    return found


def _is_block(text: str) -> bool:
    """Whether a value's first line is that of a block scalar, its anchor left out."""
    while text[:1] in ("&", "!"):
        text = text.partition(" ")[2].lstrip()
    return text[:1] in ("|", ">")
