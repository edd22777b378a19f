"""A column in use may have been read otherwise than it was meant.

Why: numbers read as text are categories without an order, codes read as numbers lose digits, and a word such as `?` for
a missing value turns a whole column into text, all without an error.

Instead: add what the message names to the source, or state the column's type under `data.columns.types`, which also
says that it is right as it is; `drop: [""]` leaves out a column without a name.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugins.source import Source
from mlspec.rules import _roles
from mlspec.rules.context import View

MOST = 10  # columns of one source


def check(view: View) -> Iterator[Diagnostic]:
    """What sources say of their columns; of those whose values must not be shown, nothing."""
    project = view.project
    for name, schema in view.facts.raw.items():
        source = project.data.sources[name].plugin
        assert isinstance(source, Source)
        silent = {*project.data.columns.types, *project.data.columns.drop, *_roles.hidden(project, schema)}
        left_out = {c.name for c in _roles.roles(project, schema) if c.role == "unused"} - {*source.not_features}
        odd = [c for c in schema if c.hint and c.name not in silent | left_out]
        if odd:
            what = f"{len(odd):,} columns" if len(odd) > 1 else "a column"
            message = f"{what} of source '{name}' may not be read as meant"
            notes = [f"{column.name or 'the unnamed column'}: {column.hint}" for column in odd[:MOST]]
            notes += [f"{len(odd) - MOST:,} more: mlspec profile shows all"] if len(odd) > MOST else []
            at = ("data", "sources", name)
            yield view.diagnostic("column-looks-odd", at, message, "", *notes, severity="warning", key=True)
