"""RunFacts and Run -> evidence.jsonl: for each requirement what was checked, on what, with what came of it.

A line contains everything needed to verify later, and elsewhere, what a verdict is based on. The published schema,
``schema/evidence.schema.json``, follows from the type.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.engine.run.run_record import Run
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step
from mlspec.plugins.verdict import Decision, Number
from mlspec.report.facts.run import RunFacts


class Evidence(Struct, frozen=True, kw_only=True):
    """What is known of one requirement after one run."""

    format_version: Literal[1] = 1
    time: Annotated[str, Meta(description="when the run ended; ISO 8601, UTC")]
    run: str
    requirement: str
    statement: str
    stated_in: Annotated[str, Meta(description="file:line:column")] = ""
    binding: Literal["gate", "measured", "compiled", "monitored", "nothing"]
    check: str = ""
    check_versions: Annotated[
        dict[str, str], Meta(description="versions of the code that measured and decided, by name")
    ] = {}
    value: Number | None = None
    low: Number | None = None
    high: Number | None = None
    n: int | None = None
    threshold: Number | None = None
    unit: str = ""
    verdict: Annotated[Decision | None, Meta(description="null: measured only, no constraint to decide")] = None
    reason: str = ""
    evidence: str = ""
    waived: str = ""
    spec: Annotated[str, Meta(description="SHA-256 of the spec's text")] = ""
    data: Annotated[dict[str, str], Meta(description="SHA-256 of each file of the sources")] = {}
    rows: Annotated[str, Meta(description="SHA-256 of the test rows")] = ""
    without_target: Annotated[int, Meta(description="rows of the sources left out because they have no target")] = 0
    model: Annotated[str, Meta(description="digest of the exported model")] = ""
    uses: Annotated[
        int | None, Meta(description="number of models evaluated on these test rows, including this one")
    ] = None
    environment: dict[str, str] = {}


def evidence(graph: Graph, run: Run, facts: RunFacts) -> Iterator[Evidence]:
    """A line for each requirement."""
    gates = {gate.gate: gate for gate in facts.gates}
    data = {
        name: digest
        for step in graph.steps.values()
        if step.kind == "source"
        for name, digest in sorted(step.files.items())
    }
    rows, model = _output(run, graph, "split", "test"), _output(run, graph, graph.package, "model")
    for entry in facts.requirements:
        gate = gates.get(entry.check)
        step = graph.find(entry.check)
        place = entry.place
        yield Evidence(
            time=run.finished,
            run=run.id,
            requirement=entry.requirement,
            statement=entry.text,
            stated_in="" if place is None else f"{place.file}:{place.line}:{place.column}",
            binding=entry.binding,
            check=entry.check,
            check_versions={} if step is None else _versions(graph, step),
            value=None if gate is None else gate.value,
            low=None if gate is None else gate.low,
            high=None if gate is None else gate.high,
            n=None if gate is None else gate.n,
            threshold=None if gate is None else gate.threshold,
            unit="" if gate is None else gate.unit,
            verdict=entry.verdict,
            reason="" if gate is None else gate.reason,
            evidence=entry.evidence,
            waived=entry.waived,
            spec=run.spec.get("sha256", ""),
            data=data,
            rows=rows,
            without_target=0 if facts.data.left_out is None else facts.data.left_out.without_target,
            model=model,
            uses=None if run.holdout is None else run.holdout.uses,
            environment=run.environment,
        )


def encode(lines: Iterator[Evidence]) -> bytes:
    """JSON lines."""
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _versions(graph: Graph, step: Step) -> dict[str, str]:
    """Of the step and of those that it reads."""
    found = dict(step.code)
    for read in step.inputs.values():
        found |= graph.steps[read.step].code
    return dict(sorted(found.items()))


def _output(run: Run, graph: Graph, step_id: str, output: str) -> str:
    step = graph.find(step_id)
    ran = None if step is None else run.steps.get(step.id)
    return "" if ran is None else ran.outputs.get(output, "")
