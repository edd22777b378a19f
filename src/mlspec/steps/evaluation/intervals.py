"""How sure a measured value is: its interval, those of paired differences, and where nothing can be said."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mlspec.metrics._intervals import CARRYING, MANY, STEADY, carrying, heavy, studentized, total, wrong_rows
from mlspec.plugins.metric import Ends, Findings, Metric
from mlspec.steps.evaluation import decisions

Array = np.ndarray[Any, Any]

SEED = 20_230_817
AT_ONCE = 1 << 21  # weights drawn at once
LEAST_USABLE = 0.8  # share of replicates in which a metric must be defined


def measure(
    metrics: Sequence[tuple[str, Metric]],
    truth: "Array",
    prediction: "Array",
    baselines: "Mapping[str, Array]",
    *,
    level: float,
    resamples: int,
    decided: "Mapping[str, Array] | None" = None,
) -> dict[str, Any]:
    """Each metric's value with its interval, each baseline's values, and the differences to them.

    Differences are paired and oriented: positive is better than the baseline. Values and ends that are not known are
    None, then with a ``reason``. ``decided`` holds decisions (n, classes), of the model under '' and of baselines: what
    metrics of decisions judge, in place of probabilities.
    """

    def given(who: str, metric: Metric) -> "Array":
        predicted = baselines[who] if who else prediction
        return decided[who] if decided and metric.decides and who in decided else predicted

    measured, scores = {}, {who: {} for who in baselines}  # type: dict[str, Any], dict[str, dict[str, Any]]
    differences: dict[str, dict[str, Any]] = {who: {} for who in baselines}
    for name, metric in metrics:
        own = Scored(metric, truth, given("", metric), level, resamples)
        found = own.around()
        if found["value"] is None:
            found["reason"] = undefined(truth, prediction)
        measured[name] = {**found, "level": level, "n": len(truth), "greater_is_better": metric.greater_is_better}
        for who in baselines:
            other = Scored(metric, truth, given(who, metric), level, resamples)
            scores[who][name] = other.value
            gained = _difference(own, other)
            del gained["error"]
            differences[who][name] = gained if found["value"] is not None else {**gained, "reason": found["reason"]}
    return {"rows": len(truth), "metrics": measured, "baselines": scores, "differences": differences}


@dataclass(frozen=True)
class Scored:
    """A metric of predictions: its score, influences and interval, each computed once and only if asked for."""

    metric: Metric
    truth: "Array"
    prediction: "Array"
    level: float
    resamples: int

    @cached_property
    def _at_once(self) -> Findings | None:
        return self.metric.findings(self.truth, self.prediction, self.level) if len(self.truth) else None

    @cached_property
    def value(self) -> float | None:
        """The score, None where it is not a finite number."""
        if self._at_once is None:
            return score(self.metric, self.truth, self.prediction)
        return self._at_once.value if math.isfinite(self._at_once.value) else None

    @cached_property
    def influences(self) -> "Array | None":
        """The metric's influences (n,)."""
        if self._at_once is not None:
            return self._at_once.influences
        return self.metric.influences(self.truth, self.prediction)

    @cached_property
    def stated(self) -> Ends:
        """The metric's own interval."""
        if self._at_once is not None:
            return self._at_once.interval
        return self.metric.interval(self.truth, self.prediction, self.level)

    @cached_property
    def ends(self) -> tuple[float, float] | str:
        """The interval around the value, or in words why there is none: the metric's own, else that of its influences,
        else (a metric that gives neither) the percentiles of bootstrap replicates."""
        if self.stated is not None:
            return self.stated
        if self.influences is None:
            drawn = replicates(self.metric, self.truth, {"": self.prediction}, self.resamples)[""]
            return percentiles(drawn, self.level) or "it is not defined in too many bootstrap replicates"
        ends = None if self.value is None else studentized(self.value, self.influences, self.level)
        return "all rows are alike" if ends is None else _within(self.metric, ends)

    def around(self) -> dict[str, Any]:
        """``value`` with its interval, ``low`` and ``high``; where there is none they are None, with a ``reason``."""
        ends = "" if self.value is None else self.ends
        if isinstance(ends, str):
            return {"value": self.value, "low": None, "high": None, **({"reason": ends} if ends else {})}
        return _around(self.value, *ends)


def around(metric: Metric, truth: "Array", prediction: "Array", level: float, resamples: int) -> dict[str, Any]:
    """A metric's ``value`` with its interval, ``low`` and ``high``; where there is none they are None, with a
    ``reason``."""
    return Scored(metric, truth, prediction, level, resamples).around()


def difference(
    metric: Metric, truth: "Array", own: "Array", other: "Array", level: float, resamples: int
) -> dict[str, Any]:
    """By how much predictions are better than others of the same rows: ``value``, ``low``, ``high`` and ``error``, the
    standard error; where there is no interval its ends are None, with a ``reason``. Positive is better.

    The rows' influences on both scores are subtracted, so that what makes a row hard for either cancels out. Where
    few rows set the two apart, the interval is that of two independent scores, from both intervals (Newcombe 1998).
    """
    return _difference(*(Scored(metric, truth, one, level, resamples) for one in (own, other)))


def _difference(own: Scored, other: Scored) -> dict[str, Any]:
    if own.value is None or other.value is None:
        return {"value": None, "low": None, "high": None, "error": None}
    sign = 1.0 if own.metric.greater_is_better else -1.0
    apart = own.value - other.value
    if np.array_equal(own.prediction, other.prediction):
        return {"value": 0.0, "low": 0.0, "high": 0.0, "error": 0.0}
    ends, error = _apart((own, other), (own.value, other.value))
    if isinstance(ends, str):
        return {"value": sign * apart, "low": None, "high": None, "error": error, "reason": ends}
    return {**_around(sign * apart, *(ends if sign > 0 else (-ends[1], -ends[0]))), "error": error}


def _apart(both: tuple[Scored, Scored], values: tuple[float, float]) -> tuple[tuple[float, float] | str, float | None]:
    """The interval of the first value less the second, or why there is none; and the standard error."""
    (own, other), metric, truth, level = both, both[0].metric, both[0].truth, both[0].level
    if own.influences is None or other.influences is None:
        if isinstance(own.stated, tuple) and isinstance(other.stated, tuple):
            return total(zip((1.0, -1.0), values, (own.stated, other.stated), strict=True)), None
        drawn = replicates(metric, truth, {"own": own.prediction, "other": other.prediction}, own.resamples)
        apart = drawn["own"] - drawn["other"]
        usable = apart[np.isfinite(apart)]
        error = float(usable.std(ddof=1)) if len(usable) > 1 else None
        return percentiles(apart, level) or "it is not defined in too many bootstrap replicates", error
    apart = own.influences - other.influences
    error = float(apart.std() / max(len(apart) - 1, 1) ** 0.5)
    few: list[int] = []
    if own.prediction.ndim == 1:
        why = heavy(np.abs(apart))
    else:
        few = [at for at, one in enumerate(both) if _may_be_worse(metric, truth, one.prediction, level)]
        given = (own.prediction, other.prediction)
        if len(few) == 1 and (far := _far_apart(metric, truth, given, few[0], apart + values[0] - values[1], level)):
            return far, error
        why = next((one.stated for one in both if isinstance(one.stated, str)), "")
    if why:
        return why, error
    rows = int(np.unique(truth, return_counts=True)[1].min()) if metric.by_class else len(truth)
    ends = None
    if not few and carrying(apart) >= CARRYING and rows >= CARRYING:
        ends = studentized(values[0] - values[1], apart, level, rows=rows)
    if ends is None:
        if isinstance(own.ends, str) or isinstance(other.ends, str):
            return f"fewer than {CARRYING} rows set the two apart", error
        ends = total(zip((1.0, -1.0), values, (own.ends, other.ends), strict=True))
    return ends, error


def _may_be_worse(metric: Metric, truth: "Array", prediction: "Array", level: float) -> bool:
    """Whether a mean loss is carried by wrong rows, and there are few of them."""
    return max(wrong_rows(truth, prediction)) < STEADY and metric.unseen(truth, prediction, level) is not None


def _far_apart(
    metric: Metric, truth: "Array", given: "tuple[Array, Array]", at: int, apart: "Array", level: float
) -> tuple[float, float] | None:
    """The interval of the mean of losses ``apart`` (n,), of which one mean, number ``at``, few rows carry: where nearly
    all rows carry the difference, it is theirs, further out by what wrong rows that were not seen may add."""
    more = metric.unseen(truth, given[at], level)
    n, square = len(apart), float(apart @ apart)
    if more is None or float(apart.sum()) ** 2 < MANY * n * square:
        return None
    value = float(apart.mean())
    ends = studentized(value, apart - value, level)
    if ends is None:
        return None
    added = (0.0, more) if at == 0 else (-more, 0.0)
    return total(((1.0, value, ends), (1.0, 0.0, added)))


def _within(metric: Metric, ends: tuple[float, float]) -> tuple[float, float]:
    return max(ends[0], metric.bounds[0]), min(ends[1], metric.bounds[1])


def undefined(truth: "Array", prediction: "Array") -> str:
    """Why a metric may have no value on these rows, in words; empty where the rows do not show it."""
    count, distinct = len(truth), len(np.unique(truth))
    classes = prediction.shape[1] if prediction.ndim == 2 else 0
    if count == 0:
        return "there are no rows"
    if distinct == 1:
        what = "class" if classes else "value"
        return f"all {count:,} rows have the same {what}" if count > 1 else "there is one row"
    return f"{classes - distinct} of {classes} classes have no row" if distinct < classes else ""


def replicates(
    metric: Metric, truth: "Array", predictions: "Mapping[str, Array]", resamples: int
) -> "dict[str, Array]":
    """A metric's bootstrap replicates for several predictions of the same rows, the same draws for each."""
    parts: dict[str, list[Array]] = {who: [] for who in predictions}
    for weights in _weights(len(truth), resamples):
        for who, predicted in predictions.items():
            scores = metric.resampled(truth, predicted, weights)
            parts[who].append(_repeated(metric, truth, predicted, weights) if scores is None else scores)
    return {who: np.concatenate(found) for who, found in parts.items()}


def judged(metric: Metric, given: "Mapping[str, Array]", threshold: float | None) -> "dict[str, Array]":
    """What a metric judges: the decisions by that threshold where it judges decisions, else the predictions."""
    if not metric.decides or threshold is None:
        return dict(given)
    return {who: decisions.decided(predicted, threshold) for who, predicted in given.items()}


def gain(
    metric: Metric, truth: "Array", own: "Array", other: "Array", confidence: Mapping[str, Any], *, among: int = 1
) -> dict[str, Any]:
    """By how much predictions are better than others of the same rows: ``value``, ``low``, ``high``; and both values.

    The interval holds for all of ``among`` such comparisons at once (Bonferroni). Positive is better.
    """
    level = 1 - (1 - confidence["level"]) / max(1, among)
    found = difference(metric, truth, own, other, level, confidence["resamples"])
    mine, theirs = score(metric, truth, own), score(metric, truth, other)
    return {"own": mine, "other": theirs, **{key: value for key, value in found.items() if key != "error"}}


def percentiles(replicates: "Array", level: float) -> tuple[float, float] | None:
    """The middle ``level`` of the replicates; None where too many of them are not defined."""
    usable = replicates[np.isfinite(replicates)]
    if len(usable) < LEAST_USABLE * len(replicates):
        return None
    low, high = np.quantile(usable, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def quantile_ranks(n: int, share: float, level: float) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the ordered measurements between which the ``share`` quantile lies with probability ``level``.

    None for an end that ``n`` measurements can't give.
    """
    tail = (1 - level) / 2
    low: int | None = None
    below = 0.0  # probability that fewer than `rank` measurements are below the quantile
    for rank in range(1, n + 1):
        below += _binomial(n, rank - 1, share)
        if below <= tail:
            low = rank
        elif below >= 1 - tail:
            return low, rank
    return low, None


def _binomial(n: int, k: int, share: float) -> float:
    log = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(log + k * math.log(share) + (n - k) * math.log(1 - share))


def _weights(n: int, resamples: int) -> "Iterator[Array]":
    """How often each row is drawn, in pieces of (replicates, n)."""
    generator = np.random.default_rng([SEED, n])
    piece = max(1, AT_ONCE // max(n, 1))
    for start in range(0, resamples, piece):
        count = min(piece, resamples - start)
        drawn = generator.integers(0, n, (count, n)) + (np.arange(count) * n)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * n).reshape(count, n).astype(np.float64)


def _repeated(metric: Metric, truth: "Array", prediction: "Array", weights: "Array") -> "Array":
    scores = []
    for row in weights:
        chosen = np.repeat(np.arange(len(truth)), row.astype(np.int64))
        found = score(metric, truth[chosen], prediction[chosen])
        scores.append(math.nan if found is None else found)
    return np.asarray(scores)


def score(metric: Metric, truth: "Array", prediction: "Array") -> float | None:
    """A metric's value, None where it is not a finite number."""
    value = metric.score(truth, prediction) if len(truth) else math.nan
    return value if math.isfinite(value) else None


def _around(value: float | None, low: float | None, high: float | None) -> dict[str, float | None]:
    if value is None or low is None or high is None:
        return {"value": value, "low": None, "high": None}
    return {"value": value, "low": min(low, value), "high": max(high, value)}


def against_figures(
    measured: dict[str, Any], who: str, figures: Mapping[str, Mapping[str, Any]], metrics: Sequence[tuple[str, Metric]]
) -> None:
    """Adds a baseline of which only figures are known, with their intervals, to what ``measure`` gave.

    Two figures measured apart differ by what their intervals give together (Zou and Donner 2008); None where one has
    none.
    """
    measured["baselines"][who] = {name: figures.get(name, {}).get("value") for name, _ in metrics}
    measured["differences"][who] = {}
    for name, metric in metrics:
        own, other = measured["metrics"][name], figures.get(name, {})
        value, figure = own["value"], other.get("value")
        found: dict[str, float | None] = {"value": None, "low": None, "high": None}
        if value is not None and figure is not None:
            found["value"] = value - figure if metric.greater_is_better else figure - value
            ends = (own["low"], own["high"], other.get("low"), other.get("high"))
            if None not in ends:
                below, above = value - ends[0], ends[1] - value
                under, over = figure - ends[2], ends[3] - figure
                if not metric.greater_is_better:
                    below, above, under, over = above, below, over, under
                found["low"] = found["value"] - (below**2 + over**2) ** 0.5
                found["high"] = found["value"] + (above**2 + under**2) ** 0.5
        measured["differences"][who][name] = found
