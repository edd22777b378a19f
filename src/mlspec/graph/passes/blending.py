"""The blend of all candidates. It runs after their folds, so that it reads every held-out prediction there is, and
before the selection, for which it is one more candidate."""

from mlspec.graph import scores, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step

NAME = "blend"


def blending(graph: Graph) -> Graph:
    """Adds ``blend`` -> weights, predictions; ``evaluate.blend`` -> metrics; ``decide.blend`` -> decision, where the
    candidates have one."""
    project = graph.project
    if project.model.ensemble == "none":
        return graph
    path = ("model", "ensemble")
    inputs = {}
    for name in sorted(project.model.candidates):
        for read, source in graph.steps[f"evaluate.{name}"].inputs.items():
            if read.partition(".")[0] == "predictions":
                inputs[f"{name}.{read.partition('.')[2] or 'validation'}"] = source
    decides = scores.deciding(project)
    steps = [
        Step(
            id=NAME,
            kind="blend",
            params={
                "metric": uses.pair(scores.selecting(project)),
                "confidence": scores.scoring(project)["confidence"],
                "seed": project.model.seed,
            },
            inputs=inputs,
            outputs=KINDS["blend"].outputs,
            path=path,
        )
    ]
    predictions = {"predictions": Input(NAME, "predictions")}
    decision = {}
    if decides:
        decision = {"decision": Input(f"decide.{NAME}", "decision")}
        steps.append(
            Step(
                id=f"decide.{NAME}",
                kind="decide",
                params=decides,
                inputs=predictions,
                outputs=KINDS["decide"].outputs,
                path=path,
            )
        )
    steps.append(
        Step(
            id=f"evaluate.{NAME}",
            kind="evaluate",
            params=scores.scoring(project),
            inputs={**predictions, **decision},
            outputs=KINDS["evaluate"].outputs,
            path=path,
        )
    )
    return graph.add(steps)
