"""Completion: what can be written where the cursor is."""

from mlspec.document import Path
from mlspec.editor import choices, shapes
from mlspec.editor.choices import Choice
from mlspec.editor.scan import Cursor
from mlspec.editor.state import Opened
from mlspec.edits import written as written
from mlspec.spec.shape import Shape


def completion(opened: Opened, line: int, column: int) -> tuple[Cursor, list[Choice]]:
    """Where the cursor is, and what can be written there; line and column count from 0."""
    here = opened.at(line, column)
    found = _offered(opened, here)
    given = set(opened.names(here.path)) if here.is_entry and opened.is_current else set()
    given |= {str(path[-1]) for path in here.values if path[:-1] == here.path} if here.is_entry else set()
    typed = here.prefix.lstrip("\"'")
    return here, [one for one in found if one.text == typed or one.text not in given or one.kind in ("value", "unit")]


def _offered(opened: Opened, here: Cursor) -> list[Choice]:
    def value(path: Path) -> object:
        return opened.value(path, here)

    wanted = shapes.at(here.path, value)
    if wanted is None:
        return []
    if here.is_entry and _is_mapping(wanted):
        found = list(choices.keys(opened, here.path, wanted, here))
        # An entry of a list of steps can be a name alone, or a pair of it and its settings.
        return found or list(choices.values(opened, here.path, wanted, here))
    if here.is_entry and wanted.kind == "list" and not isinstance(here.path[-1:], int):
        return list(choices.values(opened, (*here.path, 0), wanted.items[0], here))
    return list(choices.values(opened, here.path, wanted, here))


def _is_mapping(wanted: Shape) -> bool:
    return wanted.kind in ("object", "map", "plugin") or (wanted.kind == "enum" and bool(wanted.items))
