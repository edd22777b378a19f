"""What constraints need to be measured beside quality. It stands behind the selection, because only the model that is
shipped is measured, and before the gates, which read the figures."""

from mlspec.graph import scores, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step


def measurements(graph: Graph) -> Graph:
    """Adds ``measure.latency`` and ``measure.size``, each only where a constraint asks for it, and ``importance`` where
    the evaluation does."""
    constraints = graph.project.constraints
    model = Input("select", "model")
    steps = []
    latency = constraints.latency
    if latency is not None and (latency.p50, latency.p95, latency.p99) != (None, None, None):
        steps.append(
            Step(
                id="measure.latency",
                kind="latency",
                params={"batch": latency.batch},
                inputs={"model": model, "test": Input("split", "test")},
                outputs=KINDS["latency"].outputs,
                path=("constraints", "latency"),
            )
        )
    if constraints.size is not None and constraints.size.model is not None:
        steps.append(
            Step(
                id="measure.size",
                kind="size",
                inputs={"model": model},
                outputs=KINDS["size"].outputs,
                path=("constraints", "size"),
            )
        )
    if graph.project.evaluation.importance:
        steps.append(
            Step(
                id="importance",
                kind="importance",
                params={"metric": uses.pair(scores.selecting(graph.project))},
                inputs={"model": model, "validation": Input("split", "validation")},
                outputs=KINDS["importance"].outputs,
                path=("evaluation", "importance"),
            )
        )
    return graph.add(steps)
