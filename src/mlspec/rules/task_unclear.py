"""The task cannot be inferred from the target.

Why: metrics, baselines and models depend on whether classes or numbers are predicted; a guess could be wrong.

Instead: write `project.task`: binary_classification, multiclass_classification or regression.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """The task, where nothing said or showed it, and what was said against what is seen."""
    project, target = view.project, view.project.data.columns.target
    column = next((c for c in view.columns() if c.name == target), None)
    if column is None:
        return
    levels = view.facts.target_levels or ()
    path: Path = ("data", "columns", "target")
    if project.project.task is None:
        what = f"{len(levels)} distinct values in the first {view.facts.rows_seen} rows" if levels else "no values"
        message = f"the task cannot be inferred from the target '{target}' ({column.type}, {what})"
        yield view.diagnostic("task-unclear", path, message, "add project.task")
        return
    kind = project.data.columns.types.get(target, column.type)
    task = project.project.task
    path = ("project", "task")
    if task == "regression" and kind not in ("integer", "number"):
        yield view.diagnostic(
            "task-unclear", path, f"regression needs a number, but '{target}' is a {kind}", "did you mean another task?"
        )
    elif task == "binary_classification" and len(levels) > 2:
        message = f"binary_classification needs two classes, but '{target}' has {len(levels)}"
        yield view.diagnostic("task-unclear", path, message, "multiclass_classification?")
