"""The costs of errors are stated for the project and, with other values, for the metric.

Why: the threshold would be chosen by one cost and evaluated by another.

Instead: state the costs only under `project.users.mistakes`; `expected_cost` uses them.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The settings of `expected_cost` as they are written, against the stated costs."""
    mistakes = view.project.project.users.mistakes
    metrics = view.document.node(("evaluation", "metrics"))
    if mistakes is None or metrics is None or metrics.kind != "list":
        return
    for index, entry in enumerate(metrics.plain()):
        settings = entry.get("expected_cost") if isinstance(entry, dict) else None
        for key, value in (settings or {}).items():
            if value != getattr(mistakes, key, value):
                path = ("evaluation", "metrics", index, "expected_cost", key)
                message = f"{key} costs {value:g} here and {getattr(mistakes, key):g} under project.users.mistakes"
                yield view.diagnostic("costs-stated-twice", path, message, "delete one")
