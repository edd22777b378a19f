"""A setting of decisions does not apply to the task, or has no effect.

Why: costs of errors, selection rates of groups and abstention apply to classes; for numbers, or for classes without a
positive one, they could only be ignored.

Instead: use a task that has them, or remove the setting.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View

BINARY, CLASSES = ("binary_classification",), ("binary_classification", "multiclass_classification")


def check(view: View) -> Iterator[Diagnostic]:
    """Costs, abstention, recalibration and constraints against the task, and abstention against itself."""
    project = view.project
    users, constraints, task = project.project.users, project.constraints, project.project.task
    asked: list[tuple[Path, bool, tuple[str, ...]]] = [
        (("project", "users", "mistakes"), users.mistakes is not None, BINARY),
        (("project", "users", "abstain_below"), users.abstain_below is not None, CLASSES),
        (("model", "calibrate"), project.model.calibrate != "none", CLASSES),
    ]
    kinds = {("constraints", name): constraint.tasks for _, name, constraint in constraints.stated()}
    asked += [(path, bool(tasks), tuple(sorted(tasks))) for path, tasks in kinds.items()]
    for path, stated, tasks in asked:
        if stated and task is not None and task not in tasks:
            said = f"'{'.'.join(str(part) for part in path)}' does not apply to {task}"
            yield view.diagnostic(
                "decisions-do-not-fit-task", path, said, f"it applies only to {' and '.join(tasks)}", key=True
            )
    if users.abstain_below is not None and users.abstain_below <= 0.5 and task in BINARY:
        message = "the more probable of two classes always has at least 0.5, so no prediction would go to a person"
        path = ("project", "users", "abstain_below")
        yield view.diagnostic("decisions-do-not-fit-task", path, message, "choose a value above 0.5")
