"""The positive class is not a value of the target.

Why: metrics such as recall and average precision refer to the positive class and are meaningless if it does not exist.

Instead: write one of the target's values.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """``data.columns.positive`` against the values seen, and against the task."""
    positive, levels = view.project.data.columns.positive, view.facts.target_levels
    path = ("data", "columns", "positive")
    if positive is None:
        return
    if view.project.project.task not in (None, "binary_classification"):
        message = f"a positive class applies only to binary_classification, but the task is {view.project.project.task}"
        yield view.diagnostic("positive-class-unknown", path, message, "delete the key")
    elif levels is not None and positive not in levels:
        from mlspec.spec import suggest

        severity = "error" if view.facts.all_rows_seen else "warning"
        where = "" if view.facts.all_rows_seen else f" in the first {view.facts.rows_seen} rows"
        message = f"the target has no value '{positive}'{where}"
        yield view.diagnostic(
            "positive-class-unknown", path, message, suggest.label(positive, levels), severity=severity
        )
