"""An expectation says nothing, contradicts itself, or does not fit its column.

Why: a check that can't fail, or can't hold, only looks like one.

Instead: give `rows` bounds, or a `column` with between, missing, unique or allowed.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each expectation."""
    kinds = {c.name: view.project.data.columns.types.get(c.name, c.type) for c in view.columns()}
    code = "expectation-without-check"
    for index, one in enumerate(view.project.data.expect):
        at = ("data", "expect", index)
        checks = [one.between, one.missing, one.unique, one.allowed]
        if one.rows is None and one.column is None:
            yield view.diagnostic(code, at, "this expects nothing", "add 'rows', or 'column' with a check")
        elif one.rows is not None and (one.column is not None or any(c is not None for c in checks)):
            yield view.diagnostic(code, at, "rows are of the table, the other keys of a column", "make two of it")
        elif one.column is not None and all(c is None for c in checks):
            message = f"nothing is expected of '{one.column}'"
            yield view.diagnostic(code, at, message, "add between, missing, unique or allowed")
        for key, bounds in (("rows", one.rows), ("missing", one.missing)):
            if bounds is None:
                continue
            low, high = bounds.at_least, bounds.at_most
            if low is None and high is None:
                yield view.diagnostic(code, (*at, key), f"'{key}' has no bound", "add at_least or at_most", key=True)
            elif low is not None and high is not None and low > high:
                yield view.diagnostic(code, (*at, key), f"nothing is at least {low:g} and at most {high:g}", key=True)
        if one.between is not None and one.between[0] > one.between[1]:
            yield view.diagnostic(
                code, (*at, "between"), f"nothing lies between {one.between[0]:g} and {one.between[1]:g}"
            )
        elif one.between is not None and kinds.get(one.column or "") in ("category", "boolean", "date", "datetime"):
            message = f"'{one.column}' is a {kinds[one.column or '']}, between is for numbers"
            yield view.diagnostic(code, (*at, "between"), message, "use allowed", key=True)
