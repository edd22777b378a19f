"""What requirements need to be measured beside quality. It runs after the selection, because only the model that is
shipped is measured, and before the gates, which read the figures."""

from typing import Any

import msgspec

from mlspec.graph import scores, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step


def measurements(graph: Graph) -> Graph:
    """Adds ``measure.latency``, ``measure.throughput``, ``measure.size``, ``measure.memory``, ``measure.privacy``,
    ``measure.membership``, ``measure.differential_privacy`` and ``examples``, each only where it is asked for, and
    ``importance`` where the evaluation does."""
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
    steps += _privacy(graph)
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


def _privacy(graph: Graph) -> list[Step]:
    """Personal data in the rows and in the model's predictions."""
    stated = graph.project.constraints.privacy
    if stated is None:
        return []
    path = ("constraints", "privacy")
    params: dict[str, Any] = {}
    if stated.direct_identifiers is not None:
        params["identifiers"] = True
    if stated.k_anonymity is not None:
        params["k_anonymity"] = {"columns": list(stated.k_anonymity.columns), "at_least": stated.k_anonymity.k}
    if stated.l_diversity is not None:
        diverse = stated.l_diversity
        params["l_diversity"] = {
            "columns": list(diverse.columns),
            "sensitive": diverse.sensitive,
            "at_least": diverse.l,
        }
    steps = []
    if params:
        parts = ("train", "validation", "test")
        steps.append(
            Step(
                id="measure.privacy",
                kind="privacy",
                params=params,
                inputs={part: Input("split", part) for part in parts},
                outputs=KINDS["privacy"].outputs,
                path=path,
            )
        )
    if stated.differential_privacy is not None:
        steps.append(
            Step(
                id="measure.differential_privacy",
                kind="differential_privacy",
                inputs={"model": Input("select", "model")},
                outputs=KINDS["differential_privacy"].outputs,
                path=(*path, "differential_privacy"),
            )
        )
    if stated.membership is not None:
        inputs = {"model": Input("select", "model"), "train": Input("split", "train"), "test": Input("split", "test")}
        steps.append(
            Step(
                id="measure.membership",
                kind="membership",
                params={"confidence": scores.scoring(graph.project)["confidence"]},
                inputs=inputs,
                outputs=KINDS["membership"].outputs,
                path=(*path, "membership"),
            )
        )
    return steps
