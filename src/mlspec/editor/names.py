"""Names that a spec gives and uses: where each is given, where it is used, and what to change to rename it."""

import re
from collections.abc import Iterator

from msgspec import Struct

from mlspec.diagnostics import Edit, Span
from mlspec.document import Document, Node, Path
from mlspec.editor import places, shapes
from mlspec.editor.state import Opened
from mlspec.edits import held, written

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
# Of each kind of name: where it is given (a key, or a value), and where it is used; "*" is any part.
GIVEN = {
    "candidate": ("model.candidates.*",),
    "source": ("data.sources.*",),
    "backend": ("backends.*",),
    "goal": ("project.goals.*.name",),
    "derived column": ("data.derive.*",),
}
USED = {
    "candidate": ("tuning.*",),
    "source": ("data.join.*.source", "data.expect.*.source", "data.expect.*.refers_to.source"),
    "backend": ("backend",),
    "goal": (),
}
KEYS = {"model.candidates.*", "data.sources.*", "backends.*", "data.derive.*", "tuning.*"}


class Use(Struct, frozen=True):
    """A place with a name: the kind, the name, whether it is given there. ``part``: the characters of the text there
    that are the name, where it is a part of it."""

    kind: str
    name: str
    span: Span
    is_given: bool
    prefix: str = ""


def uses(opened: Opened) -> list[Use]:
    """Every place of the text that gives or uses a name, in its order."""
    document = opened.document
    if document is None:
        return []
    return [use for path, node, key in places.every(document) for use in _uses(opened, document, path, node, key)]


def _uses(opened: Opened, document: Document, path: Path, node: Node, key: Node | None) -> Iterator[Use]:
    if node.file != document.file:
        return
    plain = shapes.overlaid(path)
    over = plain != path
    for kinds, is_given in ((GIVEN, True), (USED, False)):
        for kind, patterns in kinds.items():
            for pattern in patterns:
                if not _fits(plain, pattern):
                    continue
                at = key if pattern in KEYS else node
                if at is not None and at.kind == "scalar" and isinstance(at.value, str):
                    # What a profile changes is given above it.
                    known = over and document.node(plain) is not None
                    yield Use(kind, at.value, at.span(), is_given and not known)
    if _fits(plain, "constraints.waivers.*.requirement") and isinstance(node.value, str):
        name = node.value
        if name.startswith("goals."):
            yield Use("goal", name[6:].removesuffix(".guardrail"), node.span(), False, "goals.")
        else:
            yield Use("gate", name, node.span(), False)
    for name, place in opened.known.requirements.items():
        if place == path and key is None and not name.startswith("goals."):
            yield Use(
                "gate",
                name,
                Span(node.file, node.start[0] + 1, node.start[1] + 1, node.start[0] + 1, node.start[1] + 2),
                True,
            )
    if _is_column(opened, plain, node, key):
        at = key if key is not None and not isinstance(node.value, str) else node
        text = str(at.value) if at.kind == "scalar" else ""
        if text in opened.known.columns:
            yield Use("column", text, at.span(), False)


def _is_column(opened: Opened, path: Path, node: Node, key: Node | None) -> bool:
    """Whether a value, or its key, names a column."""
    if node.kind == "scalar" and isinstance(node.value, str) and node.value in opened.known.columns:
        wanted = shapes.at(path, opened.value)
        return wanted is not None and bool(wanted.extra.get("column"))
    if key is not None and key.value in opened.known.columns and path:
        outer = shapes.at(path[:-1], opened.value)
        return outer is not None and outer.kind == "map" and bool(outer.items[0].extra.get("column"))
    return False


def _fits(path: Path, pattern: str) -> bool:
    parts = pattern.split(".")
    return len(parts) == len(path) and all(want in ("*", part) for want, part in zip(parts, path, strict=True))


def named(opened: Opened, line: int, column: int) -> Use | None:
    """The name at a place, which counts from 0."""
    for use in uses(opened):
        span = use.span
        if span.line - 1 <= line <= span.end_line - 1 and span.column - 1 <= column <= span.end_column - 1:
            return use
    return None


def definitions(opened: Opened, line: int, column: int) -> list[Span]:
    """Where the name at a place is given."""
    here = named(opened, line, column)
    if here is None:
        return []
    return [use.span for use in uses(opened) if use.is_given and (use.kind, use.name) == (here.kind, here.name)]


def references(opened: Opened, line: int, column: int) -> list[Span]:
    """Every place of the name at a place."""
    here = named(opened, line, column)
    return [use.span for use in uses(opened) if here is not None and (use.kind, use.name) == (here.kind, here.name)]


def renamed(opened: Opened, line: int, column: int, name: str) -> list[Edit] | str:
    """The edits that rename the name at a place everywhere, or why that can't be done."""
    here = named(opened, line, column)
    if here is None or here.kind in ("gate", "column", "derived column"):
        return "candidates, sources, backends and goals can be renamed here"
    if not opened.is_current:
        return "the file can't be read at the moment"
    if not _NAME.match(name):
        return f"'{name}' is no name: letters, digits, _ and -, starting with a letter"
    every = uses(opened)
    if any(use.kind == here.kind and use.name == name and use.is_given for use in every):
        return f"there is a {here.kind} '{name}' already"
    found = [use for use in every if (use.kind, use.name) == (here.kind, here.name)]
    return [Edit(use.span, _text(opened, use, name)) for use in found]


def _text(opened: Opened, use: Use, name: str) -> str:
    there = held(opened.text.removeprefix("\ufeff"), use.span).strip("\"'")
    return written(f"{use.prefix}{name}{there[len(use.prefix) + len(use.name) :]}" if use.prefix else name)
