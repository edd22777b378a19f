"""The rows' weight is no number from 0 up.

Why: a weight says how many times a row counts; a name or a count below zero means nothing there, and would stop the
run only after the data are split.

Instead: name a numeric column, or say its type in `data.columns.types` where reading gets it wrong.
"""

from collections.abc import Iterator
from typing import cast

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugin import Source
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The weight's type, and its values in the first rows."""
    wanted = view.project.data.columns.weight
    if wanted is None:
        return
    from mlspec.rules.check import roles

    path: Path = ("data", "columns", "weight")
    column = next((c for c in roles(view.project, view.columns()) if c.name == wanted and c.role == "weight"), None)
    if column is None:
        return
    if column.type not in ("integer", "number"):
        message = f"the weight '{wanted}' is a {column.type}, a weight is a number"
        yield view.diagnostic("weight-does-not-fit", path, message, "name a numeric column")
        return
    for name in view.facts.schemas:
        values = cast(Source, view.project.data.sources[name].plugin).values(view.facts.root, wanted)
        least = min(map(_number, values[0] if values else ()), default=0.0)
        if least < 0:
            message = f"the weight '{wanted}' is {least:g} in a row of source '{name}', a weight is at least 0"
            yield view.diagnostic("weight-does-not-fit", path, message, "name another column")


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return 0.0
