"""What predictions of classes look like: confusion, reliability, cost over thresholds, risk over coverage."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlspec.metrics import _resampling
from mlspec.metrics._intervals import proportion

Array = np.ndarray[Any, Any]

BINS = 10
THRESHOLDS = 51
COVERAGES = 21


def decisions(
    truth: "Array",
    prediction: "Array",
    decided: "Array",
    *,
    threshold: float | None,
    abstain_below: float | None,
    costs: Mapping[str, float] | None,
    level: float,
) -> dict[str, Any]:
    """The confusion matrix (rows: truth, columns: decision), the cost of other thresholds, what abstaining gives."""
    classes, codes = prediction.shape[1], decided.argmax(axis=1)
    confusion = np.bincount(truth * classes + codes, minlength=classes * classes).reshape(classes, classes)
    found: dict[str, Any] = {
        "threshold": threshold,
        "confusion": confusion.tolist(),
        "abstention": _abstention(prediction.max(axis=1), codes == truth, abstain_below, level),
    }
    if costs is not None:
        found["costs"] = dict(costs)
        found["cost_curve"] = _cost_curve(truth, prediction[:, 1], costs)
    return found


def _cost_curve(truth: "Array", score: "Array", costs: Mapping[str, float]) -> list[list[float]]:
    positives, negatives = np.sort(score[truth == 1]), np.sort(score[truth != 1])
    curve = []
    for threshold in np.linspace(0, 1, THRESHOLDS):
        missed = np.searchsorted(positives, threshold, side="left")
        wrongly = len(negatives) - np.searchsorted(negatives, threshold, side="left")
        cost = costs["false_positive"] * wrongly + costs["false_negative"] * missed
        curve.append([round(float(threshold), 4), float(cost / len(truth))])
    return curve


def _abstention(sure: "Array", right: "Array", below: float | None, level: float) -> dict[str, Any]:
    """For the most certain rows: how sure, what share they are, how often their decisions are wrong."""
    order = np.argsort(-sure, kind="stable")
    wrong = np.cumsum(~right[order])
    taken = np.unique(np.round(np.linspace(0, len(sure), COVERAGES)[1:]).astype(int))
    curve = [
        [float(sure[order[k - 1]]), k / len(sure), float(wrong[k - 1] / k)] for k in (int(k) for k in taken) if k > 0
    ]
    found: dict[str, Any] = {"curve": curve}
    if below is not None:
        kept = sure >= below
        n, errors = int(kept.sum()), int((~right[kept]).sum())
        found["below"] = below
        found["coverage"] = _share(n, len(sure), proportion(n, len(sure), level))
        found["risk"] = _share(errors, n, proportion(errors, n, level)) if n else _share(0, 0, (None, None))
    return found


def _share(count: int, n: int, ends: tuple[float | None, float | None]) -> dict[str, Any]:
    return {"value": count / n if n else None, "low": ends[0], "high": ends[1], "n": n}


def reliability(truth: "Array", prediction: "Array", level: float) -> list[dict[str, Any]]:
    """Rows in bins of equal size by predicted probability: its mean, the observed frequency, and Wilson's interval."""
    predicted, observed = _resampling.confidence(truth, prediction)
    codes = _resampling.equal_bins(predicted, BINS)
    sizes, seen = np.bincount(codes), np.bincount(codes, observed)
    means = np.bincount(codes, predicted) / sizes
    bins = []
    for n, count, mean in zip(sizes.tolist(), seen.tolist(), means.tolist(), strict=True):
        low, high = _resampling.wilson(count / n, n, level)
        bins.append({"predicted": mean, "observed": count / n, "low": low, "high": high, "n": n})
    return bins
