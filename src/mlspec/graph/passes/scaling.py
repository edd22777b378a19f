"""The learning curve over the size of the data. It runs after the selection, whose candidate it fits on shares of
the training rows, and scores on the validation rows; the test rows are out of its reach."""

from typing import Any

from mlspec.graph import scores, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.mitigation import device, prepared
from mlspec.graph.step import Input, Step


def scaling(graph: Graph) -> Graph:
    """Adds ``scaling.PERCENT`` -> scores, for each share, and ``scaling`` -> curve."""
    project = graph.project
    wanted = project.evaluation.scaling
    if wanted is None:
        return graph
    how, target = project.data.split, project.data.columns.target
    whole = how.by == "group"
    classes = project.project.task != "regression"
    by = how.column if whole or (how.by == "stratified" and how.column is not None) else target if classes else None
    mitigation = project.model.mitigation
    params: dict[str, Any] = {
        "metric": uses.pair(scores.selecting(project)),
        "candidates": prepared(graph, plain=mitigation is None or mitigation.method == "thresholds"),
        "deciding": {key: value for key, value in scores.deciding(project).items() if key == "mistakes"},
        "task": project.project.task,
        "seed": project.model.seed,
        "by": by,
        "whole": whole,
        "repeats": wanted.repeats,
        **device(graph),
    }
    inputs = {"model": Input("select", "model")} | {part: Input("split", part) for part in ("train", "validation")}
    if mitigation is not None and mitigation.method == "constrained":
        params["mitigation"] = scores.mitigating(mitigation)
        # What the bound costs was found once, with all rows: a share is fitted at that price.
        inputs |= {f"history.{name}": Input(f"train.{name}", "history") for name in sorted(project.model.candidates)}
    steps = [
        Step(
            id=f"scaling.{percent(fraction)}",
            kind="learn_part",
            params={**params, "fraction": fraction},
            inputs=inputs,
            outputs=KINDS["learn_part"].outputs,
            path=("evaluation", "scaling"),
        )
        for fraction in sorted(set(wanted.fractions))
    ]
    curve = Step(
        id="scaling",
        kind="scaling",
        params={"metric": params["metric"], "level": project.evaluation.confidence.level},
        inputs={f"scores.{step.id.partition('.')[2]}": Input(step.id, "scores") for step in steps},
        outputs=KINDS["scaling"].outputs,
        path=("evaluation", "scaling"),
    )
    return graph.add([*steps, curve])


def percent(fraction: float) -> str:
    """A share as a step's name has it: ``12_5`` for 0.125."""
    return f"{fraction * 100:.6g}".replace(".", "_")
