"""Project -> Project: fills in what follows from the task, once the data's columns are known."""

from collections.abc import Mapping
from typing import Any, cast

from msgspec.structs import replace

from mlspec.plugins.base import PluginRef, Schema, Task
from mlspec.plugins.metric import Metric
from mlspec.plugins.source import Source
from mlspec.spec import Project
from mlspec.spec.data import Data
from mlspec.spec.operation import metrics
from mlspec.spec.requirements import goals

MOST_CLASSES = 20
METRICS: dict[str, tuple[str, ...]] = {
    "binary_classification": ("roc_auc", "average_precision", "log_loss", "accuracy", "brier"),
    "multiclass_classification": ("accuracy", "balanced_accuracy", "f1_macro", "log_loss"),
    "regression": ("rmse", "mae", "r2"),
}
SELECT = {"binary_classification": "roc_auc", "multiclass_classification": "log_loss", "regression": "rmse"}
COST = "expected_cost"
BASELINES: dict[str, tuple[str, ...]] = {
    "binary_classification": ("majority",),
    "multiclass_classification": ("majority",),
    "regression": ("mean",),
}


def infer_task(target_type: str, levels: tuple[str, ...] | None) -> Task | None:
    """The task that a target's type and the values seen suggest; None where they don't."""
    if target_type in ("date", "datetime"):
        return None
    if target_type == "number":
        return "regression"
    if levels is None or len(levels) < 2:
        return None
    if target_type == "integer" and len(levels) > MOST_CLASSES:
        return "regression"
    return "binary_classification" if len(levels) == 2 else "multiclass_classification"


def _with_parts(data: Data, schemas: Mapping[str, Schema]) -> Data:
    """Lists of columns with all parts of a column whose cells are lists or objects, where they name it."""
    if not any(cast(Source, use.plugin).nests for use in data.sources.values()):
        return data
    known = list(dict.fromkeys(column.name for schema in schemas.values() for column in schema))
    changed: dict[str, tuple[str, ...]] = {}
    for key in ("features", "sensitive", "use_sensitive", "drop"):
        stated, parts = getattr(data.columns, key) or (), {}
        for name in set(stated) - set(known):
            parts[name] = [one for one in known if _is_part(one, name)]
        if any(parts.values()):
            # In the place of the name there is one part: what else is listed stays in its place in the text.
            first = [parts[name][0] if parts.get(name) else name for name in stated]
            changed[key] = (*first, *(part for name in stated for part in parts.get(name, ())[1:]))
    return replace(data, columns=replace(data.columns, **changed)) if changed else data


def _is_part(column: str, name: str) -> bool:
    rest = column.removeprefix(name)
    return rest != column and (rest[0] == "." or (rest[0] == "_" and rest[1:].isdecimal()))


def resolve(project: Project, schemas: Mapping[str, Schema], target_levels: tuple[str, ...] | None) -> Project:
    """The project with task, selection, metrics and baselines filled; as it is where the task is unclear."""
    project = replace(project, data=_with_parts(project.data, schemas))
    task = project.project.task
    if task is None:
        name = project.data.columns.target
        read: str | None = next((c.type for schema in schemas.values() for c in schema if c.name == name), None)
        kind = project.data.columns.types.get(name, read)
        task = None if kind is None else infer_task(kind, target_levels)
    if task is None:
        return project
    if project.model.time is not None:
        from mlspec.spec.timing import shared

        project = shared(project)
    evaluation = project.evaluation
    if evaluation.metrics is None:
        gated = [name for _, _, found in project.constraints.stated() for name in found.metrics().values()]
        gated += [goal.metric for goal in project.project.goals if goal.metric is not None]
        gated += [name for _, name in metrics(project.operation)]
        more = [name for name in dict.fromkeys(gated) if name not in METRICS[task] and _fits(name, task)]
        wanted = [*METRICS[task], *more]
        evaluation = replace(evaluation, metrics=tuple(_use("metrics", name) for name in wanted))
    mistakes = project.project.users.mistakes
    if mistakes is not None and evaluation.metrics is not None and _fits(COST, task):
        costs = {"false_positive": mistakes.false_positive, "false_negative": mistakes.false_negative}
        rest = tuple(use for use in evaluation.metrics if use.name != COST)
        evaluation = replace(evaluation, metrics=(*rest, _use("metrics", COST, **costs)))
    if evaluation.baselines is None:
        evaluation = replace(evaluation, baselines=tuple(_use("baselines", name) for name in BASELINES[task]))
    stated = evaluation.baselines or ()
    guarded = any(goal.guardrail for goal in project.project.goals)
    if guarded and all(use.name != "previous" for use in stated):
        evaluation = replace(evaluation, baselines=(*stated, _use("baselines", "previous")))
    select = project.model.select
    if select.metric is None:
        sought = (
            goal for _, goal in goals(project) if not goal.guardrail or (goal.at_least, goal.at_most) != (None,) * 2
        )
        first = (goal.metric for goal in sought if goal.metric is not None and _fits(goal.metric, task))
        select = replace(select, metric=next(first, SELECT[task]))
    return replace(
        project,
        project=replace(project.project, task=task),
        evaluation=evaluation,
        model=replace(project.model, select=select),
    )


def _use(kind: str, name: str, **settings: float) -> PluginRef:
    from mlspec import registry

    cls: Any = registry.plugin(kind, name)
    return PluginRef(name, cls(**settings))


def _fits(name: str, task: str) -> bool:
    from mlspec import registry

    return registry.has("metrics", name) and task in cast(type[Metric], registry.plugin("metrics", name)).tasks
