"""The choice of one candidate. It stands behind the scores of all of them and before everything that reads the test
rows: no step that chooses sees those."""

from mlspec.graph import scores, tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.tuning import tuned
from mlspec.graph.step import Input, Step


def selection(graph: Graph) -> Graph:
    """Adds ``select`` -> selection, model (the package: the model with its preparation)."""
    project = graph.project
    target = tables.target(graph)
    inputs: dict[str, Input] = {}
    for name in sorted(project.model.candidates):
        inputs[f"metrics.{name}"] = Input(f"evaluate.{name}", "metrics")
        inputs[f"model.{name}"] = Input(f"train.{name}", "model")
        inputs[f"state.{name}"] = Input(f"prepare.{name}", "state")
        inputs |= {f"{read}.{name}": source for read, source in tuned(graph, name).items()}
    step = Step(
        id="select",
        kind="select",
        params={
            "metric": uses.pair(scores.selecting(project)),
            "candidates": {
                name: graph.steps[f"train.{name}"].params["model"] for name in sorted(project.model.candidates)
            },
            "columns": tables.pairs(tuple(column for column in tables.table(graph) if column.role == "feature")),
            "target": [target.name, target.type],
            "task": project.project.task,
            "positive": project.data.columns.positive,
        },
        inputs=inputs,
        outputs=KINDS["select"].outputs,
        path=("model", "select"),
    )
    return graph.add([step])
