"""A column holds what no model can use: structs, lists of texts, lists of several lengths, durations, binary data.

Why: read as something else, it would lose what it says; and a file is not refused because of a column that nobody uses,
so such a column is left out with a warning.

Instead: write it as numbers or text where the file is made, or list it under `data.columns.drop`, which says that it is
meant.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.base import Column
from mlspec.rules import unknown_column
from mlspec.rules._roles import dropped
from mlspec.rules.context import View

CODE = "column-not-usable"
MOST = 10  # columns that are named one by one


def check(view: View) -> Iterator[Diagnostic]:
    """Places that use such a column; and the columns that are left out without a word in the spec."""
    said, gone = view.project.data.columns, dropped(view.project)
    known = view.facts.raw or view.facts.schemas
    every = {c.name: (source, c) for source, columns in known.items() for c in columns if c.type == "other"}
    found = {name: one for name, one in every.items() if name not in gone}
    if not found:
        return
    used = set()
    for path, name, at_key in _named(view):
        if name in found and path[:3] != ("data", "columns", "drop"):
            used.add(name)
            message = f"'{name}' can't be used: {_what(found[name][1])}"
            label = f"use another column; data.columns.drop: [{name}] leaves it out"
            yield view.diagnostic(CODE, path, message, label, key=at_key)
    if said.features is not None:
        return
    left = [name for name in found if name not in said.drop and name not in used]
    for name in left[:MOST]:
        source, column = found[name]
        message = f"column '{name}' of source '{source}' is left out: {_what(column)}"
        label = f"data.columns.drop: [{name}] says that this is meant"
        yield view.diagnostic(CODE, ("data", "sources", source), message, label, severity="warning", key=True)
    if len(left) > MOST:
        message = (
            f"{len(left) - MOST:,} more columns are left out that no model can use: {', '.join(left[MOST:][:MOST])}"
        )
        yield view.diagnostic(CODE, ("data", "sources"), message, severity="warning", key=True)


def _what(column: Column) -> str:
    return column.hint or "no model can use what it holds"


def _named(view: View) -> Iterator[tuple[Path, str, bool]]:
    yield from unknown_column.named(view)
    for path, name, _source in unknown_column.of_sources(view):
        yield path, name, False
    for index, join in enumerate(view.project.data.join):
        for name in join.keys:
            yield ("data", "join", index, "keys"), name, False
