"""The weight column is not numeric.

Why: a weight states how much a row counts in training; text or a date cannot.

Instead: use a numeric column, or set its type under `data.columns.types`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The type of the weight's column."""
    said = view.project.data.columns
    kind = next((column.type for column in view.columns() if column.name == said.weight), None)
    kind = said.types.get(said.weight or "", kind)
    if kind is not None and kind not in ("integer", "number"):
        path = ("data", "columns", "weight")
        yield view.diagnostic(
            "weight-is-no-number", path, f"'{said.weight}' is of type {kind}, but a weight must be a number"
        )
