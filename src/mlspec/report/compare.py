"""Two runs side by side: metrics and whether they differ by more than noise, gates that turned, steps that changed."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from mlspec.report.facts import RunFacts, Score

RESAMPLES = 1000
Told = Literal["better", "worse", "the same", "no more than noise", "not comparable"]


class MetricChange(Struct, frozen=True, kw_only=True):
    """A metric in two runs. ``gain`` is oriented: positive is better in the second."""

    metric: str
    first: float
    second: float
    gain: float
    low: float | None = None
    high: float | None = None
    told: Told
    by: Annotated[str, Meta(description="paired: row by row; apart: from the two intervals")] = ""


class GateChange(Struct, frozen=True):
    """A gate whose verdict turned; None where a run has no such gate."""

    gate: str
    first: str | None
    second: str | None


class Comparison(Struct, frozen=True, kw_only=True):
    """What differs between two runs."""

    format_version: Literal[1] = 1
    first: str
    second: str
    same_rows: Annotated[bool, Meta(description="whether both were measured on the same test rows")]
    metrics: tuple[MetricChange, ...] = ()
    gates: tuple[GateChange, ...] = ()
    selected: tuple[str | None, str | None] = (None, None)
    seconds: tuple[float, float] = (0.0, 0.0)
    changed: Annotated[tuple[str, ...], Meta(description="steps whose results may differ")] = ()


def compare(root: Path, first: RunFacts, second: RunFacts) -> Comparison:
    """The second run against the first. Reads their predictions from the store where they are still there."""
    rows = [_digest(run, "split", "test") for run in (first, second)]
    same_rows = rows[0] is not None and rows[0] == rows[1]
    scores = {score.metric: score for score in second.scores}
    gates = [{gate.gate: gate.verdict for gate in run.gates} for run in (first, second)]
    prints = [{step.id: step.fingerprint for step in run.steps} for run in (first, second)]
    drawn = _predictions(root, first, second) if same_rows else None
    return Comparison(
        first=first.id,
        second=second.id,
        same_rows=same_rows,
        metrics=tuple(
            _metric(score, scores[score.metric], same_rows, drawn) for score in first.scores if score.metric in scores
        ),
        gates=tuple(
            GateChange(name, gates[0].get(name), gates[1].get(name))
            for name in dict.fromkeys([*gates[0], *gates[1]])
            if gates[0].get(name) != gates[1].get(name)
        ),
        selected=(first.selected, second.selected),
        seconds=(first.seconds, second.seconds),
        changed=tuple(
            name for name in dict.fromkeys([*prints[0], *prints[1]]) if prints[0].get(name) != prints[1].get(name)
        ),
    )


def _digest(run: RunFacts, step: str, output: str) -> str | None:
    return next((found.outputs.get(output) for found in run.steps if found.id == step), None)


def _predictions(root: Path, first: RunFacts, second: RunFacts) -> "tuple[Any, Any, Any] | None":
    """The truth and both predictions of the test rows; None where one of them is no longer stored."""
    from mlspec.diagnostics import StoreError
    from mlspec.engine import places, results
    from mlspec.store.store import Store

    store = Store(places.store(places.home(root)))
    found = []
    for run in (first, second):
        digest = _digest(run, "predict", "predictions")
        if digest is None:
            return None
        try:
            found.append(results.read_predictions(store.path(digest)))
        except (OSError, StoreError):
            return None
    return found[0][0], found[0][1], found[1][1]


def _metric(one: Score, other: Score, same_rows: bool, drawn: "tuple[Any, Any, Any] | None") -> MetricChange:
    sign = 1.0 if one.greater_is_better else -1.0
    gain = sign * (other.value - one.value) + 0.0  # no minus before nothing
    low, high, by = _paired(one, drawn, sign) if drawn is not None else (None, None, "")
    if low is None and same_rows:
        low, high, by = _apart(one, other, gain, sign)
    told: Told = "not comparable"
    if same_rows:
        told = "the same" if gain == 0 else "no more than noise"
        if low is not None and high is not None and (low > 0 or high < 0):
            told = "better" if low > 0 else "worse"
    return MetricChange(
        metric=one.metric, first=one.value, second=other.value, gain=gain, low=low, high=high, told=told, by=by
    )


def _paired(one: Score, drawn: "tuple[Any, Any, Any]", sign: float) -> tuple[float | None, float | None, str]:
    """Over bootstrap replicates of the rows; not for metrics of decisions, whose thresholds are not among the rows."""
    from typing import cast

    from mlspec import registry
    from mlspec.engine import evidence
    from mlspec.plugin import Metric

    if not registry.has("metrics", one.metric) or one.level is None:
        return None, None, ""
    kind = cast(type[Metric], registry.plugin("metrics", one.metric))
    if kind.decides or msgspec.structs.fields(kind):
        return None, None, ""
    truth, before, after = drawn
    found = evidence.replicates(kind(), truth, {"before": before, "after": after}, RESAMPLES)
    low, high = evidence.percentiles(sign * (found["after"] - found["before"]), one.level)
    return low, high, "paired"


def _apart(one: Score, other: Score, gain: float, sign: float) -> tuple[float | None, float | None, str]:
    """From two intervals, as if they had been measured apart (Zou and Donner 2008)."""
    ends = (one.low, one.high, other.low, other.high)
    if any(end is None for end in ends):
        return None, None, ""
    low, high, other_low, other_high = (float(end or 0.0) for end in ends)
    under, over = (one.value - low, high - one.value) if sign > 0 else (high - one.value, one.value - low)
    below, above = (other.value - other_low, other_high - other.value)
    if sign < 0:
        below, above = above, below
    return gain - (below**2 + over**2) ** 0.5, gain + (above**2 + under**2) ** 0.5, "apart"
