"""What constraints need to be measured beside quality. It runs after the selection, because only the exported model is
measured, and before the gates, which read the figures."""

from collections.abc import Mapping
from typing import Any

from mlspec.document import Path
from mlspec.graph import scores, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.cross_validation import bagged
from mlspec.graph.step import Input, Step
from mlspec.plugins.constraint import Measurement
from mlspec.spec import Project
from mlspec.spec.requirements import requirements


def measurements(graph: Graph) -> Graph:
    """Adds ``measure.NAME`` and ``examples`` where a constraint asks for them, and ``importance`` where the evaluation
    does."""
    steps = [
        Step(
            id=asked.step,
            kind=asked.kind,
            params=dict(asked.params),
            inputs={name: Input(*read) for name, read in asked.inputs.items()},
            outputs=KINDS[asked.kind].outputs,
            path=path,
        )
        for path, asked in asked_of(graph.project).values()
        if asked.kind
    ]
    if graph.project.evaluation.importance:
        folds = bagged(graph.project)
        steps.append(
            Step(
                id="importance",
                kind="importance",
                params={
                    "metric": uses.pair(scores.selecting(graph.project)),
                    # Of a bag one fold's models are asked, about rows that they have not seen.
                    **({"folds": folds} if folds else {}),
                },
                inputs={
                    "model": Input("select", "model"),
                    "validation": Input("fold.1", "heldout") if folds else Input("split", "validation"),
                },
                outputs=KINDS["importance"].outputs,
                path=("evaluation", "importance"),
            )
        )
    return graph.add(steps)


def asked_of(project: Project) -> dict[str, tuple[Path, Measurement]]:
    """What constraints ask of each step, all of them together, and the place of the first that does."""
    found: dict[str, tuple[Path, Measurement]] = {}
    for requirement in requirements(project):
        if requirement.binding == "gate":
            reads = requirement.reads
            path, before = found.get(reads.step, (requirement.path, reads))
            own = {"of": requirement.check["of"]} if reads.kind == "measure" else {}
            params = own | _united(before.params, reads.params)
            inputs = {**before.inputs, **reads.inputs}
            united = Measurement(step=reads.step, output=reads.output, kind=reads.kind, params=params, inputs=inputs)
            found[reads.step] = path, united
    return found


def _united(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    united = dict(one)
    for key, value in other.items():
        old = united.get(key)
        if isinstance(old, list) and isinstance(value, list):
            united[key] = [*old, *(entry for entry in value if entry not in old)]
        else:
            united[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    return united
