"""Several runs side by side, as one frozen value: the JSON that ``mlspec runs A B`` prints.

The published schema, ``schema/comparison.schema.json``, follows from these types.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.plugins.verdict import Decision
from mlspec.report.facts.evaluation_facts import Estimate
from mlspec.report.facts.run import Outcome, RunFacts, Score

Told = Literal["better", "worse", "the same", "not told apart", "unknown"]
Paired = Callable[[RunFacts, RunFacts], "dict[str, Apart] | str"]
"""The differences between two runs by metric, or the reason why they cannot be compared."""
MISSING = object()


class Apart(Struct, frozen=True, kw_only=True):
    """By how much a run is better than the first in a metric; positive is better, whatever the metric's direction."""

    verdict: Annotated[
        Told,
        Meta(
            description="better, worse: the interval of the difference is completely on one side of 0; the same: equal "
            "predictions; not told apart: it holds 0; unknown: the rows are not the same, or not kept"
        ),
    ]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


class ComparedRun(Struct, frozen=True, kw_only=True):
    """A run that is compared."""

    id: str
    started: str
    outcome: Outcome
    selected: str | None = None


class ComparedMetric(Struct, frozen=True, kw_only=True):
    """A metric of the selected models on the test rows; ``apart``: the difference of each further run to the first."""

    metric: str
    greater_is_better: bool
    values: tuple[Estimate | None, ...]
    apart: tuple[Apart | None, ...]


class ComparedGate(Struct, frozen=True, kw_only=True):
    """A constraint whose verdict, or wording, is not the same in all runs; null where a run has no such constraint."""

    gate: str
    requirements: tuple[str | None, ...]
    verdicts: tuple[Decision | None, ...]


class Changed(Struct, frozen=True, kw_only=True):
    """Something that is not the same in all runs; null where a run has no such thing."""

    what: Annotated[Literal["spec", "data", "environment"], Meta(description="its place in the spec")]
    key: str
    values: tuple[Any, ...]


class ComparedCost(Struct, frozen=True, kw_only=True):
    """What the runs took, and what the models take."""

    what: str
    unit: Literal["s", "bytes"]
    values: tuple[float | None, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """Runs side by side; every tuple has an entry a run, in their order."""

    format_version: Literal[1] = 1
    runs: tuple[ComparedRun, ...]
    metrics: tuple[ComparedMetric, ...] = ()
    gates: tuple[ComparedGate, ...] = ()
    changed: tuple[Changed, ...] = ()
    costs: tuple[ComparedCost, ...] = ()
    notes: tuple[str, ...] = ()


def compare(runs: Sequence[RunFacts], specs: Sequence[Mapping[str, Any] | None], paired: Paired) -> Comparison:
    """The first run and how each other differs from it; ``specs`` are the runs' specs with all defaults filled in."""
    lacking = [run.id for run, spec in zip(runs, specs, strict=True) if spec is None]
    return Comparison(
        runs=tuple(
            ComparedRun(id=run.id, started=run.started, outcome=run.outcome, selected=run.selected) for run in runs
        ),
        metrics=tuple(_metrics(runs, [paired(runs[0], run) for run in runs[1:]])),
        gates=tuple(_gates(runs)),
        changed=(*(() if lacking else _changed("spec", [_flat(spec or {}) for spec in specs])), *_surroundings(runs)),
        costs=tuple(cost for cost in _costs(runs) if any(value is not None for value in cost.values)),
        notes=tuple(f"the spec of run {name} was not kept" for name in lacking),
    )


def encode(comparison: Comparison) -> str:
    """The JSON text, indented, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode() + "\n"


def _metrics(runs: Sequence[RunFacts], apart: Sequence[dict[str, Apart] | str]) -> Iterator[ComparedMetric]:
    found: list[dict[str, Score]] = [{score.metric: score for score in run.scores} for run in runs]
    for name in dict.fromkeys(name for scores in found for name in scores):
        own = [scores.get(name) for scores in found]
        first = next(score for score in own if score is not None)
        yield ComparedMetric(
            metric=name,
            greater_is_better=first.greater_is_better,
            values=tuple(None if s is None else Estimate(s.value, s.low, s.high, s.n) for s in own),
            apart=tuple(
                None
                if score is None or own[0] is None
                else Apart(verdict="unknown", reason=text)
                if isinstance(text, str)
                else text.get(name, Apart(verdict="unknown", reason="it was not measured in the same way"))
                for score, text in zip(own[1:], apart, strict=True)
            ),
        )


def _gates(runs: Sequence[RunFacts]) -> Iterator[ComparedGate]:
    found = [{gate.gate: gate for gate in run.gates} for run in runs]
    for name in dict.fromkeys(name for gates in found for name in gates):
        own = [gates.get(name) for gates in found]
        requirements = tuple(None if gate is None else gate.requirement for gate in own)
        verdicts = tuple(None if gate is None else gate.verdict for gate in own)
        if len(set(requirements)) > 1 or len(set(verdicts)) > 1:
            yield ComparedGate(gate=name, requirements=requirements, verdicts=verdicts)


def _surroundings(runs: Sequence[RunFacts]) -> Iterator[Changed]:
    digests = [{s.name: (s.digest or "")[:12] for s in run.data.sources} for run in runs]
    yield from _changed("data", digests)
    yield from _changed("environment", [run.environment for run in runs])


def _changed(what: Literal["spec", "data", "environment"], maps: Sequence[Mapping[str, Any]]) -> Iterator[Changed]:
    for key in dict.fromkeys(key for entries in maps for key in entries):
        values = [entries.get(key, MISSING) for entries in maps]
        if any(value is MISSING or type(value) is not type(values[0]) or value != values[0] for value in values):
            yield Changed(what=what, key=key, values=tuple(None if v is MISSING else v for v in values))


def _flat(value: Any, at: str = "") -> dict[str, Any]:
    """Nested mappings and lists as one, keys joined by dots."""
    if isinstance(value, Mapping) and value:
        entries = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        entries = [(str(index), item) for index, item in enumerate(value)]
    else:
        return {at: value}
    found: dict[str, Any] = {}
    for key, item in entries:
        found |= _flat(item, f"{at}.{key}" if at else key)
    return found


def _costs(runs: Sequence[RunFacts]) -> Iterator[ComparedCost]:
    def latency(run: RunFacts) -> float | None:
        return None if run.latency is None else run.latency.get("p95")

    def size(run: RunFacts) -> float | None:
        return None if run.size is None else float(run.size["bytes"])

    yield ComparedCost(what="the run", unit="s", values=tuple(run.seconds for run in runs))
    work = (sum(step.seconds or 0.0 for step in run.steps) for run in runs)
    yield ComparedCost(what="total time of its steps", unit="s", values=tuple(round(seconds, 6) for seconds in work))
    yield ComparedCost(what="p95 of a prediction", unit="s", values=tuple(map(latency, runs)))
    yield ComparedCost(what="exported model", unit="bytes", values=tuple(map(size, runs)))
