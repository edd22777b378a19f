"""A metric does not apply to the task.

Why: an error rate of a regression or the ROC curve of three classes is undefined, or not what its name says.

Instead: use a metric of the task; the message lists them.
"""

from collections.abc import Iterator
from typing import cast

from mlspec import registry
from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.metric import Metric
from mlspec.rules.context import View
from mlspec.spec.operation import metrics


def check(view: View) -> Iterator[Diagnostic]:
    """Metrics, selection and gates."""
    task = view.project.project.task
    if task is None:
        return
    places: list[tuple[Path, str]] = [
        (("evaluation", "metrics", i), use.name) for i, use in enumerate(view.project.evaluation.metrics or ())
    ]
    places += [
        ((*path, *place), name)
        for path, _, constraint in view.project.constraints.stated()
        for place, name in constraint.metrics().items()
    ]
    places += [
        (("project", "goals", i, "metric"), goal.metric)
        for i, goal in enumerate(view.project.project.goals)
        if goal.metric is not None
    ]
    places += metrics(view.project.operation)
    if view.project.model.select.metric is not None:
        places.append((("model", "select", "metric"), view.project.model.select.metric))
    for path, name in places:
        if registry.has("metrics", name) and task not in cast(type[Metric], registry.plugin("metrics", name)).tasks:
            message = f"metric '{name}' does not apply to {task}"
            yield view.diagnostic("metric-does-not-fit-task", path, message, "", f"metrics that fit: {fitting(task)}")


def fitting(task: str) -> str:
    """The metrics of a task, as a list to read."""
    return ", ".join(n for n, cls in registry.usable("metrics") if task in cast(type[Metric], cls).tasks)
