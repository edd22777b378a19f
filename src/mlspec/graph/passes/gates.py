"""A gate for each constraint. It stands behind all that measures, and nothing reads a gate: when one fails, the others
are still decided."""

from collections.abc import Iterator
from typing import Any

from mlspec.baselines.human import Human
from mlspec.document import Path
from mlspec.graph.environment import device_kind
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.plugin import Model
from mlspec.spec import Project

METRICS = ("metrics", Input("evaluate", "metrics"))


def gates(graph: Graph) -> Graph:
    """Adds ``gate.AREA.WHAT`` -> verdict, each with its one constraint as params."""
    taken: set[str] = set()
    steps = []
    for wanted, params, (name, read), path in _all(graph.project):
        step_id, count = wanted, 1
        while step_id in taken:
            count += 1
            step_id = f"{wanted}-{count}"
        taken.add(step_id)
        steps.append(
            Step(
                id=step_id,
                kind="gate",
                params=params,
                inputs={name: read},
                outputs=KINDS["gate"].outputs,
                path=path,
            )
        )
    return graph.add(steps)


def _all(project: Project) -> Iterator[tuple[str, dict[str, Any], tuple[str, Input], Path]]:
    constraints = project.constraints
    for index, gate in enumerate(constraints.quality):
        path: Path = ("constraints", "quality", index)
        of = {"of": "quality", "metric": gate.metric}
        if gate.at_least is not None or gate.at_most is not None:
            params = {**of, "at_least": gate.at_least, "at_most": gate.at_most}
            yield f"gate.quality.{gate.metric}", params, METRICS, path
        if gate.beats is not None:
            for baseline in _against(project, gate.metric) if gate.beats == "baseline" else [gate.beats]:
                params = {**of, "beats": baseline, "by": gate.by}
                yield f"gate.quality.{gate.metric}.beats.{baseline}", params, METRICS, path
    yield from _fairness(project)
    if constraints.abstention is not None:
        for what, side in (("coverage", "at_least"), ("risk", "at_most")):
            bound = getattr(constraints.abstention, f"{what}_{side}")
            if bound is not None:
                params = {"of": "abstention", "what": what, side: bound}
                yield f"gate.abstention.{what}", params, METRICS, ("constraints", "abstention", f"{what}_{side}")
    if constraints.latency is not None:
        for quantile in ("p50", "p95", "p99"):
            bound = getattr(constraints.latency, quantile)
            if bound is not None:
                params = {"of": "latency", "quantile": quantile, "at_most": bound}
                read = ("latency", Input("measure.latency", "latency"))
                yield f"gate.latency.{quantile}", params, read, ("constraints", "latency", quantile)
    if constraints.size is not None and constraints.size.model is not None:
        params = {"of": "size", "at_most": constraints.size.model}
        yield "gate.size.model", params, ("size", Input("measure.size", "size")), ("constraints", "size", "model")
    if constraints.budget is not None:
        for what in ("wall_time", "memory", "gpus"):
            bound = getattr(constraints.budget, what)
            if bound is not None:
                params = {"of": "budget", "what": what, "at_most": bound}
                if what == "gpus":
                    params["used"] = _gpus(project)
                yield f"gate.budget.{what}", params, METRICS, ("constraints", "budget", what)


def _against(project: Project, metric: str) -> list[str]:
    """The baselines that a metric can be compared with: people were measured by one metric alone."""
    listed = project.evaluation.baselines or ()
    return sorted({use.name for use in listed if not (isinstance(use.plugin, Human) and use.plugin.metric != metric)})


def _fairness(project: Project) -> Iterator[tuple[str, dict[str, Any], tuple[str, Input], Path]]:
    for index, gate in enumerate(project.constraints.fairness):
        params = {
            "of": "fairness",
            "metric": gate.metric,
            "group": list(gate.group),
            "minimum_rows": gate.minimum_rows,
            "at_least": gate.at_least,
            "at_most": gate.at_most,
        }
        step_id = f"gate.fairness.{gate.metric}.{'+'.join(gate.group)}"
        yield step_id, params, METRICS, ("constraints", "fairness", index)


def _gpus(project: Project) -> int:
    wanted = any(isinstance(use.plugin, Model) and use.plugin.uses_device for use in project.model.candidates.values())
    return int(wanted and device_kind(project.backend.device) == "cuda")
