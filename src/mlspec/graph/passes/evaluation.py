"""The final evaluation: the selected model and the baselines on the test rows. It stands behind the selection, and
nothing that fits or chooses stands behind it."""

from mlspec.graph import scores, tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step


def evaluation(graph: Graph) -> Graph:
    """Adds ``predict`` -> predictions; ``baseline.NAME`` -> predictions; ``evaluate`` -> metrics."""
    project = graph.project
    target = tables.target(graph)
    test = Input("split", "test")
    inputs = {"predictions": Input("predict", "predictions")}
    steps = [
        Step(
            id="predict",
            kind="predict_test",
            inputs={"model": Input("select", "model"), "test": test},
            outputs=KINDS["predict_test"].outputs,
            path=("evaluation",),
        )
    ]
    for name in sorted(set(project.evaluation.baselines or ())):
        inputs[f"baseline.{name}"] = Input(f"baseline.{name}", "predictions")
        steps.append(
            Step(
                id=f"baseline.{name}",
                kind="baseline",
                params={
                    "baseline": name,
                    "target": [target.name, target.type],
                    "task": project.project.task,
                    "positive": project.data.columns.positive,
                },
                inputs={"train": Input("split", "train"), "test": test},
                outputs=KINDS["baseline"].outputs,
                path=("evaluation", "baselines"),
            )
        )
    steps.append(
        Step(
            id="evaluate",
            kind="evaluate_test",
            params=scores.scoring(project),
            inputs=inputs,
            outputs=KINDS["evaluate_test"].outputs,
            path=("evaluation",),
        )
    )
    return graph.add(steps)
