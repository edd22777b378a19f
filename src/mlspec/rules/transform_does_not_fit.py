"""`data.columns.transform` is set, but the target is not numeric.

Why: only numbers have a logarithm.

Instead: remove the key, or write `task: regression`.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The transform against the task."""
    wanted, task = view.project.data.columns.transform, view.project.project.task
    if wanted is not None and task not in (None, "regression"):
        message = f"the target of a {task.replace('_', ' ')} has no {wanted}"
        yield view.diagnostic("transform-does-not-fit", ("data", "columns", "transform"), message, "leave it out")
