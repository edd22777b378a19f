"""What requirements need to be measured beside quality. It stands behind the selection, because only the model that is
shipped is measured, and before the gates, which read the figures."""

import msgspec

from mlspec.graph import scores, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step


def measurements(graph: Graph) -> Graph:
    """Adds ``measure.latency``, ``measure.throughput``, ``measure.size``, ``measure.memory`` and ``examples``, each
    only where it is asked for, and ``importance`` where the evaluation does."""
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
    if constraints.throughput is not None:
        steps.append(
            Step(
                id="measure.throughput",
                kind="latency",
                params={"batch": constraints.throughput.batch},
                inputs={"model": model, "test": Input("split", "test")},
                outputs=KINDS["latency"].outputs,
                path=("constraints", "throughput"),
            )
        )
    if constraints.size is not None and constraints.size.memory is not None:
        steps.append(
            Step(
                id="measure.memory",
                kind="serving_memory",
                inputs={"model": model, "test": Input("split", "test")},
                outputs=KINDS["serving_memory"].outputs,
                path=("constraints", "size", "memory"),
            )
        )
    examples = graph.project.project.users.examples
    if examples:
        steps.append(
            Step(
                id="examples",
                kind="examples",
                params={"examples": [msgspec.to_builtins(example) for example in examples]},
                inputs={"model": model},
                outputs=KINDS["examples"].outputs,
                path=("project", "users", "examples"),
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
