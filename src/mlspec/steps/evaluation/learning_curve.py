"""Fits a curve over the number of training rows, and says what more of them would buy."""

import math
from typing import Any, cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.job import Job

Array = np.ndarray[Any, Any]

EXPONENTS = 60
REPLICATES = 500
SEED = 20_120_208
AHEAD = (2.0, 10.0)
TELLING = 0.25  # of a gain, that its lower end must reach
PLACES = 25


def run(job: Job) -> None:
    """``scores.PERCENT`` -> ``curve``.

    A power law of the error, a + b n^-c (Hestness and others 2017), by least squares with weights that grow with n
    (Figueroa and others 2012); its interval is a parametric bootstrap of the shares' means, from what differs between
    repetitions. The error is how far the
    metric is from the best value it can take, the metric itself where less is better. ``verdict``: ``gains`` where the
    lower end of what twice the rows bring is at least a quarter of it, ``flat`` where the upper end is less than the
    standard deviation between fits on other rows, else ``unknown``.
    """
    name, settings = job.params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    shares = sorted(
        (results.read_json(path) for path in job.inputs.values()), key=lambda share: float(share["fraction"])
    )
    found = curve(
        [[float(one["rows"]) for one in share["repetitions"]] for share in shares],
        [[float(one["value"]) for one in share["repetitions"]] for share in shares],
        [float(share["fraction"]) for share in shares],
        best=_best(metric),
        greater_is_better=metric.greater_is_better,
        level=job.params["level"],
    )
    text = {"metric": name, "greater_is_better": metric.greater_is_better, "level": job.params["level"]}
    points = [
        {"fraction": share["fraction"], **point} for share, point in zip(shares, found.pop("points"), strict=True)
    ]
    results.write_json(job.outputs["curve"], {**text, "points": points, **found})


def _best(metric: Metric) -> float | None:
    """The best value that the metric can take; None where there is none."""
    best = metric.bounds[1] if metric.greater_is_better else metric.bounds[0]
    return best if math.isfinite(best) else None


def curve(
    rows: list[list[float]],
    values: list[list[float]],
    fractions: list[float],
    *,
    best: float | None,
    greater_is_better: bool,
    level: float,
) -> dict[str, Any]:
    """The points, the fitted law, its values with intervals from the fewest rows to ten times the most, and a verdict.

    ``rows`` and ``values``: of each share, of each repetition (the same number for every share); ``fractions``: how
    much of all rows each share is.
    """
    sign = -1.0 if greater_is_better else 1.0
    origin = best if best is not None else 0.0
    n, score = np.asarray(rows).mean(axis=1), np.asarray(values)
    errors = sign * (score - origin)
    repeats = errors.shape[1]
    points = [
        {"rows": round(float(count)), "values": own.tolist(), "value": float(own.mean())}
        for count, own in zip(n, score, strict=True)
    ]
    plain: dict[str, Any] = {"points": points, "law": None, "curve": [], "forecasts": [], "noise": None}
    if not np.isfinite(errors).all():
        return {**plain, "verdict": "unknown", "reason": "the metric is not defined in every repetition"}
    share = np.asarray(fractions)
    spread, freedom = _spread(n, errors, share)
    noise, middle = float(spread[-1]), errors.mean(axis=1)
    random = np.random.Generator(np.random.PCG64(SEED))
    scale = (freedom / random.chisquare(freedom, (REPLICATES, 1))) ** 0.5
    # Repetitions of a share have that share of their rows in common, and so of their luck, with other shares as well.
    own, common = spread * ((1 - share) / repeats) ** 0.5, spread * share**0.5
    drawn, luck = (random.normal(0.0, 1.0, (REPLICATES, width)) for width in (len(n), 1))
    means = middle + scale * (own * drawn + common * luck)
    laws = _fit(n, np.vstack([middle[None], means]), floor=best is not None)
    places = np.concatenate([np.geomspace(n[0], n[-1] * max(AHEAD), PLACES), n[-1] * np.asarray([1.0, *AHEAD])])
    found = laws[:, :1] + laws[:, 1:2] * places[None] ** -laws[:, 2:]
    low, high = np.quantile(found[1:], [(1 - level) / 2, (1 + level) / 2], axis=0)
    ends = np.sort(np.stack([origin + sign * low, origin + sign * high]), axis=0)
    middle_curve = origin + sign * found[0]
    text = [
        {"rows": round(float(place)), "value": float(value), "low": float(one), "high": float(other)}
        for place, value, one, other in zip(places, middle_curve, *ends, strict=True)
    ]
    gains = found[:, PLACES][:, None] - found[:, PLACES + 1 :]
    forecasts: list[dict[str, Any]] = []
    for index, factor in enumerate(AHEAD):
        least, most = np.quantile(gains[1:, index], [(1 - level) / 2, (1 + level) / 2])
        gain = {"value": float(gains[0, index]), "low": float(least), "high": float(most)}
        forecasts.append({"times": factor, **text[PLACES + 1 + index], "gain": gain})
    verdict, reason = _judged(middle, own, noise, forecasts[0]["gain"])
    law = {"a": float(laws[0, 0]), "b": float(laws[0, 1]), "c": float(laws[0, 2]), "best": best}
    return {
        **plain,
        "law": law,
        "curve": text[:PLACES],
        "forecasts": forecasts,
        "noise": noise,
        "verdict": verdict,
        "reason": reason,
    }


def _spread(n: "Array", errors: "Array", share: "Array") -> "tuple[Array, int]":
    """The standard deviation between fits on different rows, at each share (shares,), and its degrees of freedom.

    Repetitions differ by less, for they have rows in common (Nadeau and Bengio 2003). Few repetitions say little
    individually: all shares are taken together, and the deviation falls with the rows by a power between 0 and 1/2. The
    complete training rows, drawn only once, say nothing about it.
    """
    drawn = share < 1
    if not drawn.any():
        return np.zeros(len(n)), 1
    found = errors[drawn].var(axis=1, ddof=1) / (1 - share[drawn])
    x = np.log(n[drawn]) - np.log(n[drawn]).mean()
    power = float(np.clip(-(x @ np.log(np.maximum(found, 1e-30))) / max(2 * (x @ x), 1e-12), 0.0, 0.5))
    pooled = np.sqrt((found * n[drawn] ** (2 * power)).mean())
    return np.asarray(pooled * n**-power), int(drawn.sum()) * (errors.shape[1] - 1)


def _fit(n: "Array", errors: "Array", *, floor: bool) -> "Array":
    """a, b, c of the law for each row of errors (m, shares), (m, 3): exact in a and b for each c of a grid.

    b is at least 0 (more rows don't hurt), a is too where an error of 0 is the best there can be.
    """
    best = np.full(len(errors), np.inf)
    laws = np.zeros((len(errors), 3))
    weights = n / n.sum()
    for c in np.geomspace(0.05, 2.0, EXPONENTS):
        x = (n / n[-1]) ** -c
        mean_x, mean_y = weights @ x, errors @ weights
        slope = ((errors - mean_y[:, None]) * (x - mean_x)) @ weights / (weights @ (x - mean_x) ** 2)
        b = np.maximum(slope, 0.0)
        a = mean_y - b * mean_x
        if floor:
            through = np.maximum((errors * x) @ weights / (weights @ x**2), 0.0)
            b, a = np.where(a < 0, through, b), np.maximum(a, 0.0)
        loss = ((errors - a[:, None] - b[:, None] * x) ** 2) @ weights
        better = loss < best
        best = np.where(better, loss, best)
        laws[better] = np.stack([a, b * n[-1] ** c, np.full(len(a), c)], axis=1)[better]
    return laws


def _judged(middle: "Array", own: "Array", noise: float, gain: dict[str, float]) -> tuple[str, str]:
    """Whether more rows are worth having, by what twice as many would bring; and why it is known or unknown."""
    apart = (float(own[0]) ** 2 + float(own[-1]) ** 2) ** 0.5
    if float(middle[0] - middle[-1]) <= 2 * apart:
        return "unknown", "the smallest and the greatest share differ by no more than repetitions do"
    if gain["high"] < noise:
        return "flat", "twice the rows bring less than the luck of which rows one has"
    if gain["low"] >= gain["value"] * TELLING > 0:
        return "gains", "the interval of what twice the rows bring lies clear of nothing"
    return "unknown", "the interval of what twice the rows bring reaches from next to nothing to something"
