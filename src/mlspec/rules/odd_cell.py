"""A column of numbers has a few cells of text.

Why: one stray word in a million rows would make its column text, or be lost as a missing value. mlspec reads neither
into it: a column with a handful of odd cells (at most 5 different ones, 1 % of its rows) counts as numbers.

Instead: list the cells under `missing` of the source if they mean that a value is missing, correct the file, or state
`data.columns.types: {COLUMN: category}` if the column is text.
"""

import json
from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.plugins.base import Column
from mlspec.rules import _roles
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Columns that something uses."""
    data = view.project.data
    ignored = {*data.columns.drop, *data.columns.types, *_roles.dropped(view.project)}
    if data.columns.features is not None and not (data.derive or data.join):
        used = {*data.columns.features, data.columns.target, data.columns.weight}
        ignored |= {c.name for schema in view.facts.raw.values() for c in schema} - used
    hidden = {*data.columns.sensitive, *_roles.personal(view.project)}
    for source, schema in view.facts.raw.items():
        for column in schema:
            if column.odd and column.name not in ignored:
                yield _odd(view, source, column, shown=column.name not in hidden)


def _odd(view: View, source: str, column: Column, *, shown: bool) -> Diagnostic:
    cell, place = column.odd[0]
    where = place or f"a row of source '{source}'"
    text = f"'{cell}'" if shown else "text"
    label = ""
    if shown and hasattr(view.project.data.sources[source].plugin, "missing"):
        listed = ", ".join(json.dumps(cell, ensure_ascii=False) for cell, _place in column.odd)
        label = f"if it means a missing value, add missing: [{listed}]"
    return view.diagnostic(
        "odd-cell",
        ("data", "sources", source),
        f"column '{column.name}' is {column.type} in all other rows, but {where} has {text}",
        label,
        f"or state the type: data.columns.types: {{{json.dumps(column.name, ensure_ascii=False)}: category}}",
        key=True,
    )
