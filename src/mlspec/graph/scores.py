"""Which metrics are computed, on validation and on test rows alike."""

from typing import Any

import msgspec

from mlspec.graph import uses
from mlspec.plugins.base import PluginRef
from mlspec.spec import Project
from mlspec.spec.mitigation import Mitigation


def metrics(project: Project) -> tuple[PluginRef, ...]:
    """The metrics of the spec, with the one that candidates are selected by."""
    stated = project.evaluation.metrics or ()
    chosen = project.model.select.metric
    if chosen is None or any(use.name == chosen for use in stated):
        return stated
    return (*stated, uses.plain_use("metrics", chosen))


def selecting(project: Project) -> PluginRef:
    """The metric that candidates are selected by."""
    return next(use for use in metrics(project) if use.name == project.model.select.metric)


def scoring(project: Project) -> dict[str, Any]:
    """The params of a step that scores predictions."""
    return {
        "metrics": uses.pairs(metrics(project)),
        "task": project.project.task,
        "confidence": msgspec.to_builtins(project.evaluation.confidence),
    }


def deciding(project: Project) -> dict[str, Any]:
    """The params of a step that makes decisions of probabilities; empty where the spec says nothing of them."""
    found: dict[str, Any] = {}
    if project.model.calibrate != "none":
        found["calibrate"] = project.model.calibrate
    mistakes = project.project.users.mistakes
    if mistakes is not None:
        stated = msgspec.to_builtins(mistakes)
        found["mistakes"] = {key: value for key, value in stated.items() if value is not None}
    mitigation = project.model.mitigation
    if mitigation is not None and mitigation.method == "thresholds":
        found["mitigation"] = mitigating(mitigation)
    return found


def mitigating(stated: Mitigation) -> dict[str, Any]:
    """The parameters of steps that bound a difference between groups."""
    bound = {"metric": stated.metric, "at_most": stated.at_most, "minimum_rows": stated.minimum_rows}
    return {**bound, "rounds": stated.rounds} if stated.method == "constrained" else bound
