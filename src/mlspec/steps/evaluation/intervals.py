"""How sure a measured value is: bootstrap intervals, paired differences, and what they say about a bound."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mlspec.plugins.metric import Metric
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

    Intervals are percentiles over ``resamples`` bootstrap replicates of the rows, the same replicates for the model and
    its baselines; where a metric has an interval in closed form, that. Differences are oriented: positive is better
    than the baseline. Values and ends that are not defined are None, such values with a ``reason``.
    ``decided`` holds decisions (n, classes), of the model under '' and of baselines: what metrics of decisions judge,
    in place of probabilities.
    """
    given = {
        (who, name): decided[who] if decided and metric.decides and who in decided else predicted
        for who, predicted in {"": prediction, **baselines}.items()
        for name, metric in metrics
    }
    drawn = _replicates(metrics, truth, given, resamples) if len(truth) else dict.fromkeys(given, np.full(1, math.nan))
    values = {(who, name): score(dict(metrics)[name], truth, own) for (who, name), own in given.items()}
    measured, differences = {}, {who: {} for who in baselines}  # type: dict[str, Any], dict[str, dict[str, Any]]
    for name, metric in metrics:
        own = values["", name]
        ends = metric.interval(truth, given["", name], level) if own is not None else None
        low, high = ends or percentiles(drawn["", name], level)
        measured[name] = {
            **_around(own, low, high),
            "level": level,
            "n": len(truth),
            "greater_is_better": metric.greater_is_better,
        }
        why = {} if own is not None else {"reason": undefined(truth, prediction)}
        measured[name] |= why
        sign = 1.0 if metric.greater_is_better else -1.0
        for who in baselines:
            other = values[who, name]
            gain = None if own is None or other is None else sign * (own - other)
            low, high = percentiles(sign * (drawn["", name] - drawn[who, name]), level)
            differences[who][name] = {**_around(gain, low, high), **why}
    return {
        "rows": len(truth),
        "metrics": measured,
        "baselines": {who: {name: values[who, name] for name, _ in metrics} for who in baselines},
        "differences": differences,
    }


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
    drawn = _replicates([("", metric)], truth, {(who, ""): given for who, given in predictions.items()}, resamples)
    return {who: drawn[who, ""] for who in predictions}


def judged(metric: Metric, given: "Mapping[str, Array]", threshold: float | None) -> "dict[str, Array]":
    """What a metric judges: the decisions by that threshold where it judges decisions, else the predictions."""
    if not metric.decides or threshold is None:
        return dict(given)
    return {who: decisions.decided(predicted, threshold) for who, predicted in given.items()}


def gain(
    metric: Metric, truth: "Array", own: "Array", other: "Array", confidence: Mapping[str, Any], *, among: int = 1
) -> dict[str, Any]:
    """By how much predictions are better than others of the same rows: ``value``, ``low``, ``high``; and both values.

    The interval holds for all of ``among`` such comparisons at once (Bonferroni). It is Student's, of the bootstrap's
    standard error: so far out a percentile would want many more replicates. Positive is better.
    """
    sign = 1.0 if metric.greater_is_better else -1.0
    mine, theirs = score(metric, truth, own), score(metric, truth, other)
    found: dict[str, Any] = {"own": mine, "other": theirs, "value": None, "low": None, "high": None}
    if mine is None or theirs is None:
        return found
    found["value"] = sign * (mine - theirs)
    drawn = replicates(metric, truth, {"own": own, "other": other}, confidence["resamples"])
    apart = drawn["own"] - drawn["other"]
    usable = apart[np.isfinite(apart)]
    if len(truth) > 1 and len(usable) >= LEAST_USABLE * len(apart):
        from scipy.stats import t as student

        n, tail = len(truth), (1 - confidence["level"]) / (2 * max(1, among))
        arm = float(student.ppf(1 - tail, n - 1) * (n / (n - 1)) ** 0.5 * usable.std(ddof=1))
        found |= {"low": found["value"] - arm, "high": found["value"] + arm}
    return found


def percentiles(replicates: "Array", level: float) -> tuple[float | None, float | None]:
    """The middle ``level`` of the replicates; None, None where too many of them are not defined."""
    usable = replicates[np.isfinite(replicates)]
    if len(usable) < LEAST_USABLE * len(replicates):
        return None, None
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


def _replicates(
    metrics: Sequence[tuple[str, Metric]], truth: "Array", given: "Mapping[tuple[str, str], Array]", resamples: int
) -> "dict[tuple[str, str], Array]":
    known = dict(metrics)
    parts: dict[tuple[str, str], list[Array]] = {}
    for weights in _weights(len(truth), resamples):
        for (who, name), predicted in given.items():
            scores = known[name].resampled(truth, predicted, weights)
            if scores is None:
                scores = _repeated(known[name], truth, predicted, weights)
            parts.setdefault((who, name), []).append(scores)
    return {key: np.concatenate(found) for key, found in parts.items()}


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
