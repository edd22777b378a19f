"""The sketch of the test rows that the exported model is monitored by. It runs after the evaluation, whose figures it
keeps, and before the passes that put another package in place of the selected one."""

import msgspec

from mlspec.graph import scores
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.spec.requirements import requirements

NAME = "reference"
KEPT = ("monitor", "labels")


def monitoring(graph: Graph) -> Graph:
    """Adds ``reference`` -> reference, where the spec says what is to be monitored."""
    project = graph.project
    operation = project.operation
    if operation is None or operation.monitor is None:
        return graph
    stated = {name for name, personal in project.data.personal.items() if personal.kind != "public"}
    joined = {f"{join.prefix}{name}" for join in project.data.join for name in stated}
    checks = [one.check for one in requirements(project) if one.binding == "gate"]
    scoring = scores.scoring(project)
    step = Step(
        id=NAME,
        kind=NAME,
        params={
            "metrics": scoring["metrics"],
            "confidence": scoring["confidence"],
            "slice_rows": project.evaluation.slice_rows,
            "personal": sorted(stated | joined),
            "fairness": [dict(check) for check in checks if check["of"] == "fairness"],
            "operation": {
                **{key: msgspec.to_builtins(getattr(operation, key)) for key in KEPT},
                # Who promotes a new model, and from where it learns, is nothing of this one.
                "retrain": None if operation.retrain is None else {"when": msgspec.to_builtins(operation.retrain.when)},
            },
        },
        inputs={
            "model": Input("select", "model"),
            "train": Input("split", "train"),
            "test": Input("split", "test"),
            "predictions": Input("predict", "predictions"),
            "metrics": Input("evaluate", "metrics"),
        },
        outputs=KINDS[NAME].outputs,
        path=("operation", "monitor"),
    )
    return graph.add([step])
