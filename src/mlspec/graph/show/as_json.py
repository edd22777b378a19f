"""The plan as JSON for other tools: stable, described by ``schema/plan.schema.json``, which these types give."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.graph.fingerprint import identity
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Action, Plan, PlannedStep
from mlspec.graph.show import text
from mlspec.graph.step import Step
from mlspec.plugins.base import Column

FORMAT_VERSION: Literal[1] = 1
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class InputJson(Struct, frozen=True):
    """What a step reads: one named output of another step."""

    step: str
    output: str


class PlaceJson(Struct, frozen=True):
    """The place in a file that made a step; lines and columns count from 1."""

    file: str
    line: int
    column: int


class ResourcesJson(Struct, frozen=True):
    """What a running step takes, on all its nodes together; memory in bytes, 0 where nothing is known."""

    cpus: int
    memory: int
    gpus: int
    nodes: int


class StepPlanJson(Struct, frozen=True):
    """What would become of a step. ``cached``: its result is in the store; ``runs``: it is not; ``may run``: that
    depends on the content of an input."""

    action: Action
    reasons: tuple[str, ...]
    fingerprint: Annotated[Digest | None, Meta(description="null while the content of an input is unknown")]
    outputs: Annotated[Mapping[str, str] | None, Meta(description="content digests by output; null unless cached")]
    seconds: Annotated[float | None, Meta(description="time of the last run in seconds; null if it never ran")]


class StepJson(Struct, frozen=True):
    """One step of the graph."""

    id: str
    kind: str
    params: dict[str, Any]
    inputs: dict[str, InputJson]
    outputs: tuple[str, ...]
    schemas: Annotated[dict[str, tuple[Column, ...]], Meta(description="the columns of each output that is a table")]
    code: Annotated[dict[str, str], Meta(description="versions of the code that does the work")]
    environment: Annotated[dict[str, str], Meta(description="the parts of the environment that change results")]
    files: Annotated[dict[str, str], Meta(description="digests of files read from outside the store")]
    resources: ResourcesJson
    also: Annotated[tuple[str, ...], Meta(description="ids of equal steps that share this one")]
    spec_path: Annotated[str, Meta(description="the place in the spec that makes the step, such as data.split")]
    place: PlaceJson | None
    identity: Annotated[Digest, Meta(description="digest of everything about the step except its inputs' content")]
    plan: Annotated[StepPlanJson | None, Meta(description="null if only the graph was requested")]


class SummaryJson(Struct, frozen=True):
    """How many steps there are of each action, and how long what is left took last time."""

    steps: int
    cached: int
    runs: int
    may_run: int
    seconds: Annotated[float | None, Meta(description="for the steps whose time is known; null if there are none")]
    unknown: Annotated[int, Meta(description="remaining steps whose time is unknown")]


class PlanJson(Struct, frozen=True):
    """A compiled mlspec project: its steps in topological order, and what running it would do."""

    format_version: Literal[1]
    project: str
    summary: SummaryJson | None
    steps: tuple[StepJson, ...]


def as_json(graph: Graph, plan: Plan | None = None) -> PlanJson:
    """The graph, with its plan where there is one, as a value that ``encode`` writes."""
    planned = {} if plan is None else plan.steps
    return PlanJson(
        format_version=FORMAT_VERSION,
        project=graph.project.project.name,
        summary=None if plan is None else _summary(plan),
        steps=tuple(_step(graph, step, planned.get(step_id)) for step_id, step in graph.steps.items()),
    )


def encode(value: PlanJson, *, indent: int = 2) -> str:
    """The JSON text, indented, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(value), indent=indent).decode() + "\n"


def schema() -> str:
    """The published JSON Schema (2020-12) of this output."""
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **msgspec.json.schema(PlanJson),
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def _summary(plan: Plan) -> SummaryJson:
    left = [planned.seconds for planned in plan.steps.values() if planned.action != "cached"]
    known = [seconds for seconds in left if seconds is not None]
    return SummaryJson(
        steps=len(plan.steps),
        cached=plan.count("cached"),
        runs=plan.count("runs"),
        may_run=plan.count("may run"),
        seconds=sum(known) if known or not left else None,
        unknown=len(left) - len(known),
    )


def _step(graph: Graph, step: Step, planned: PlannedStep | None) -> StepJson:
    place = None
    if graph.document is not None and step.path:
        span = graph.document.span(step.path)
        place = PlaceJson(span.file, span.line, span.column)
    return StepJson(
        id=step.id,
        kind=step.kind,
        params=step.params,
        inputs={name: InputJson(read.step, read.output) for name, read in step.inputs.items()},
        outputs=step.outputs,
        schemas=step.schemas,
        code=step.code,
        environment=step.environment,
        files=step.files,
        resources=ResourcesJson(**msgspec.structs.asdict(step.resources)),
        also=step.also,
        spec_path=text.path(step.path),
        place=place,
        identity=identity(step),
        plan=None
        if planned is None
        else StepPlanJson(planned.action, planned.reasons, planned.fingerprint, planned.outputs, planned.seconds),
    )
