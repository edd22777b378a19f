"""What a run shows, as one frozen value: the JSON that ``run`` and ``show`` print, and all that a page is made from.

The published schema, ``schema/run.schema.json``, follows from these types.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.diagnostics import Place
from mlspec.plugins.verdict import Decision, Verdict
from mlspec.report.facts.delivery_facts import Figures
from mlspec.report.facts.evaluation_facts import EvaluationFacts
from mlspec.report.facts.profile_facts import ClassBalance, ColumnProfile
from mlspec.report.facts.scaling_facts import ScalingFacts
from mlspec.report.facts.tradeoff_facts import Tradeoff

FORMAT_VERSION = 1
Outcome = Literal["passed", "failed", "unknown", "error", "interrupted"]


class RequirementFact(Struct, frozen=True, kw_only=True):
    """Something that the spec requires, and what it is bound to."""

    requirement: Annotated[str, Meta(description="its name, as waivers use it")]
    text: str
    binding: Annotated[
        Literal["gate", "measured", "compiled", "monitored", "nothing"],
        Meta(description="whether a gate decides it, a step measures it, the compiler has checked it, or nothing does"),
    ]
    check: Annotated[str, Meta(description="the step or command that checked it")] = ""
    evidence: str = ""
    verdict: Annotated[
        Decision | None,
        Meta(description="of its gate, or pass where the compiler has checked it; null: measured only"),
    ] = None
    waived: str = ""
    place: Place | None = None


class HoldoutFact(Struct, frozen=True, kw_only=True):
    """How many models the test rows have judged, the place of this one among them, and how many are allowed."""

    uses: int
    place: int
    allowed: int | None = None


class Difference(Struct, frozen=True):
    """By how much the model is better than a baseline; positive is better, whatever the metric's direction."""

    value: float
    low: float | None = None
    high: float | None = None


class Score(Struct, frozen=True, kw_only=True):
    """A metric with its interval, and the baselines beside it."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None
    level: float | None = None
    n: int | None = None
    reason: Annotated[str, Meta(description="why there is no interval; empty where there is one")] = ""
    greater_is_better: bool = True
    settings: Annotated[dict[str, Any], Meta(description="the metric's settings")] = {}
    threshold: Annotated[float | None, Meta(description="the decisions' threshold, where one was chosen")] = None
    seeds: Annotated[
        tuple[float, ...],
        Meta(description="its value with each seed of the training; the first is the model's"),
    ] = ()
    baselines: dict[str, float] = {}
    differences: dict[str, Difference] = {}


class Unmeasured(Struct, frozen=True, kw_only=True):
    """A metric that has no value on the test rows, and why, as far as the rows show it."""

    metric: str
    reason: str = ""


class TrialFact(Struct, frozen=True, kw_only=True):
    """A trial of a search for settings."""

    number: int
    settings: dict[str, Any]
    state: Annotated[str, Meta(description="complete, paused, pruned or failed")]
    score: Annotated[float | None, Meta(description="on the validation rows, where it stopped")] = None
    epochs: int = 0
    error: str | None = None


class Search(Struct, frozen=True, kw_only=True):
    """A search for a candidate's settings."""

    metric: str
    greater_is_better: bool
    sampler: str
    pruner: str
    best: Annotated[int, Meta(description="the number of the best trial")]
    importance: Annotated[dict[str, float], Meta(description="how much each setting matters, shares of 1")] = {}
    trials: tuple[TrialFact, ...] = ()


class Candidate(Struct, frozen=True, kw_only=True):
    """A model that competed, measured on the validation rows."""

    name: str
    model: str
    settings: dict[str, Any] = {}
    selected: bool = False
    place: Place | None = None
    scores: tuple[Score, ...] = ()
    seconds: Annotated[float | None, Meta(description="training time")] = None
    curves: Annotated[dict[str, tuple[float, ...]], Meta(description="training history, a value each round")] = {}
    rounds: Annotated[str, Meta(description="what a round of the training is called")] = "epoch"
    notes: Annotated[tuple[str, ...], Meta(description="warnings and guarantees of the training")] = ()
    seeds: Annotated[
        tuple[float, ...], Meta(description="the metric that selects, on the validation rows, for each seed")
    ] = ()
    search: Annotated[Search | None, Meta(description="how its settings were tuned")] = None


class ColumnFact(Struct, frozen=True):
    """A column of the data."""

    name: str
    type: str
    role: str
    profile: Annotated[ColumnProfile | None, Meta(description="values of the column in the training rows")] = None


class PersonalFact(Struct, frozen=True, kw_only=True):
    """A personal column, and how it was anonymised while its source was read."""

    column: str
    kind: str
    action: Annotated[str, Meta(description="how it was anonymised, with settings; empty for a public column")] = ""
    reason: Annotated[str, Meta(description="justification for keeping it unchanged")] = ""


class SourceFact(Struct, frozen=True, kw_only=True):
    """A source of rows."""

    name: str
    path: str
    format: str
    part: str | None = None
    digest: str | None = None


class ExpectationFact(Struct, frozen=True):
    """Something that must be true of the data, and what was measured."""

    text: str
    holds: bool
    measured: str = ""
    place: Place | None = None
    severity: Annotated[Literal["error", "warn"], Meta(description="warn: the run continues")] = "error"
    faults: Annotated[tuple[str, ...], Meta(description="a description of what does not hold")] = ()
    sample: Annotated[
        tuple[dict[str, str], ...], Meta(description="a few rows that violate it, private columns hidden")
    ] = ()


class LeftOut(Struct, frozen=True, kw_only=True):
    """Rows of the sources that are in no part of the split, though nothing in the spec drops them."""

    rows: Annotated[int, Meta(description="all rows of the sources")]
    without_target: int = 0
    bounded: Annotated[bool, Meta(description="data.expect bounds the rows without a target")] = False
    within_gap: Annotated[int, Meta(description="rows within the gap of a split by time")] = 0


class DataFacts(Struct, frozen=True, kw_only=True):
    """What the model was made from."""

    sources: tuple[SourceFact, ...] = ()
    columns: tuple[ColumnFact, ...] = ()
    personal: tuple[PersonalFact, ...] = ()
    expectations: tuple[ExpectationFact, ...] = ()
    split: Annotated[str, Meta(description="a description of the split")] = ""
    rows: Annotated[dict[str, int], Meta(description="rows of train, validation and test")] = {}
    left_out: Annotated[LeftOut | None, Meta(description="null: the split was not made")] = None
    balance: Annotated[tuple[ClassBalance, ...], Meta(description="the target's classes, most frequent first")] = ()


class CheckFact(Struct, frozen=True, kw_only=True):
    """A check of data or of a network that was made before training."""

    step: str
    check: str
    measured: str
    expected: str
    fails: bool = False
    advice: str = ""
    accepted: Annotated[str, Meta(description="why the project accepts this finding")] = ""
    leak: Annotated[str, Meta(description="the finding in a few words, where the model may look better than it is")] = (
        ""
    )


class MemoryFact(Struct, frozen=True, kw_only=True):
    """What a step's processes had of memory for themselves (pages of files left out), looked at all the while."""

    every: Annotated[float, Meta(description="seconds between two samples")]
    own: Annotated[tuple[int, ...], Meta(description="bytes at each sample; the maximum where samples were merged")]


class StepFact(Struct, frozen=True, kw_only=True):
    """A step and what became of it."""

    id: str
    kind: str
    action: Literal["cached", "ran", "failed", "skipped"]
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: Annotated[int | None, Meta(description="peak memory of its process, in bytes")] = None
    memory_over_time: MemoryFact | None = None
    fingerprint: str | None = None
    outputs: dict[str, str] = {}


class FailureFact(Struct, frozen=True, kw_only=True):
    """A step that failed: where the spec asked for it, why, and where the whole story is."""

    step: str
    cause: str
    place: Place | None = None
    log: str | None = None


class Tracked(Struct, frozen=True, kw_only=True):
    """A run on an MLflow server."""

    server: Annotated[str, Meta(description="its address as the spec states it")]
    run: Annotated[str | None, Meta(description="the run's id there")] = None
    error: Annotated[str | None, Meta(description="why it could not be logged")] = None


class FittedMember(Struct, frozen=True, kw_only=True):
    """A model that was fitted again, and after how many rounds it ended."""

    candidate: str
    rounds: int | None = None
    counted: Annotated[str, Meta(description="what a round is: tree or epoch")] = ""


class FinalFact(Struct, frozen=True, kw_only=True):
    """What became of the selected model."""

    train_rows: int = 0
    validation_rows: int = 0
    members: Annotated[tuple[FittedMember, ...], Meta(description="the models that were fitted again on both")] = ()
    reason: Annotated[str | None, Meta(description="why it was not fitted again")] = None
    no_time: Annotated[tuple[str, ...], Meta(description="members of a blend that there was no time to fit again")] = ()
    folds: Annotated[int, Meta(description="of a bag: how many models of each candidate there are")] = 0


class RunFacts(Struct, frozen=True, kw_only=True):
    """A run of a compiled mlspec project."""

    format_version: Literal[1] = 1
    id: str
    project: str
    goal: str = ""
    owners: tuple[str, ...] = ()
    decision: Annotated[str, Meta(description="what is decided with a prediction, and who decides")] = ""
    license: str | None = None
    task: str | None = None
    target: str = ""
    spec: Annotated[str, Meta(description="the spec's file")]
    profile: str | None = None
    overrides: Annotated[tuple[str, ...], Meta(description="overrides given by --set")] = ()
    started: Annotated[str, Meta(description="ISO 8601, UTC")]
    seconds: float
    outcome: Annotated[
        Outcome,
        Meta(description="passed: every gate holds; failed: one does not; unknown: one is open; error: a step failed"),
    ]
    counts: Annotated[dict[str, int], Meta(description="number of steps by outcome")] = {}
    gates: tuple[Verdict, ...] = ()
    requirements: Annotated[
        tuple[RequirementFact, ...], Meta(description="all that the spec requires of the model")
    ] = ()
    holdout: HoldoutFact | None = None
    scores: Annotated[tuple[Score, ...], Meta(description="the selected model on the test rows")] = ()
    unmeasured: Annotated[
        tuple[Unmeasured, ...], Meta(description="metrics that are not defined on the test rows")
    ] = ()
    selected: str | None = None
    selected_by: Annotated[str | None, Meta(description="the metric that chose the model")] = None
    selected_on: Annotated[str, Meta(description="the rows that candidates were scored on")] = "validation rows"
    candidates: tuple[Candidate, ...] = ()
    final: Annotated[
        FinalFact | None, Meta(description="the fit on training and validation rows, where the spec asks for it")
    ] = None
    data: DataFacts = DataFacts()
    checks: Annotated[tuple[CheckFact, ...], Meta(description="the checks before training")] = ()
    leaks: Annotated[
        tuple[str, ...],
        Meta(description="leaks that the checks found and the project does not accept, each in a few words"),
    ] = ()
    evaluation: EvaluationFacts = EvaluationFacts()
    tradeoff: Annotated[Tradeoff | None, Meta(description="costs and benefits of mitigation")] = None
    scaling: Annotated[ScalingFacts | None, Meta(description="the expected effect of more training rows")] = None
    latency: dict[str, Any] | None = None
    size: dict[str, Any] | None = None
    failures: tuple[FailureFact, ...] = ()
    steps: tuple[StepFact, ...] = ()
    memory_limit: Annotated[int | None, Meta(description="backend.memory, in bytes")] = None
    environment: dict[str, str] = {}
    tracked: Tracked | None = None
    delivery: Annotated[
        tuple[Figures, ...],
        Meta(description="DORA's four figures of each stage of the project's registry, when the run began"),
    ] = ()
    folder: Annotated[str, Meta(description="the run's folder")] = ""
    report: Annotated[str | None, Meta(description="the run's page")] = None
    model: Annotated[str | None, Meta(description="the folder of the selected model")] = None


def encode(facts: RunFacts) -> str:
    """The JSON text, indented, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() + "\n"


def schema() -> str:
    """The published JSON Schema (2020-12) of this output."""
    found = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:mlspec:schema:run",
        **msgspec.json.schema(RunFacts),
    }
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
