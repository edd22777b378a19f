"""What ``mlspec show METRIC`` and ``mlspec show CANDIDATE`` plot, as frozen values: the JSON that they print.

The published schema, ``schema/series.schema.json``, follows from these types.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.report.facts.run import RunFacts, Search


class MetricPoint(Struct, frozen=True, kw_only=True):
    """What one run measured."""

    run: str
    started: str
    model: str | None
    value: float
    low: float | None = None
    high: float | None = None
    threshold: Annotated[float | None, Meta(description="the bound on the metric in the run's spec")] = None


class MetricSeries(Struct, frozen=True, kw_only=True, tag="metric", tag_field="kind"):
    """A metric of the selected models on the test rows, over the runs, oldest first."""

    format_version: Literal[1] = 1
    metric: str
    greater_is_better: bool
    points: tuple[MetricPoint, ...]


class CandidateSeries(Struct, frozen=True, kw_only=True, tag="candidate", tag_field="kind"):
    """How a candidate was trained and searched for in one run."""

    format_version: Literal[1] = 1
    candidate: str
    model: str
    run: str
    rounds: str
    curves: dict[str, tuple[float, ...]] = {}
    search: Search | None = None


Series = MetricSeries | CandidateSeries


def of_metric(metric: str, runs: Sequence[RunFacts]) -> MetricSeries | None:
    """The metric in the runs (newest first) that measured it; None where none did."""
    points, greater = [], True
    for run in reversed(runs):
        score = next((score for score in run.scores if score.metric == metric), None)
        if score is None:
            continue
        greater = score.greater_is_better
        bound = next((gate.threshold for gate in run.gates if gate.gate == f"gate.quality.{metric}"), None)
        points.append(
            MetricPoint(
                run=run.id,
                started=run.started,
                model=run.selected,
                value=score.value,
                low=score.low,
                high=score.high,
                threshold=bound,
            )
        )
    return MetricSeries(metric=metric, greater_is_better=greater, points=tuple(points)) if points else None


def of_candidate(name: str, runs: Sequence[RunFacts]) -> CandidateSeries | None:
    """The candidate in the newest of the runs (newest first) that has it; None where none does."""
    for run in runs:
        for candidate in run.candidates:
            if candidate.name == name:
                return CandidateSeries(
                    candidate=name,
                    model=candidate.model,
                    run=run.id,
                    rounds=candidate.rounds,
                    curves=candidate.curves,
                    search=candidate.search,
                )
    return None


def encode(series: Series) -> str:
    """The JSON text, indented, ending in a line break."""
    return msgspec.json.format(msgspec.json.encode(series), indent=2).decode() + "\n"
