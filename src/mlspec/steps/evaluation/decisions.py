"""From probabilities to decisions: recalibration and the threshold of least cost, both fitted on validation rows."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlspec.steps.trust.mitigation import thresholds

Array = np.ndarray[Any, Any]


def fit_calibration(truth: "Array", prediction: "Array", method: str) -> dict[str, Any]:
    """A curve for each class's probability (for two classes: the positive one's), as plain JSON.

    ``isotonic`` is a staircase (Zadrozny and Elkan 2002), ``sigmoid`` a logistic curve over the log-odds (Platt 1999).
    No curve reaches 0 or 1: n rows can't show that something never happens.
    """
    classes = [1] if prediction.shape[1] == 2 else list(range(prediction.shape[1]))
    fit = _isotonic if method == "isotonic" else _sigmoid
    edge = 1.0 / (len(truth) + 2.0)
    return {
        "method": method,
        "rows": len(truth),
        "curves": [{**fit(prediction[:, code], truth == code), "least": edge} for code in classes],
    }


def calibrated(prediction: "Array", calibration: Mapping[str, Any] | None) -> "Array":
    """Probabilities (n, classes) through such curves; for several classes scaled to add up to 1."""
    if calibration is None:
        return prediction
    curves = calibration["curves"]
    if len(curves) == 1:
        positive = _apply(curves[0], prediction[:, 1])
        return np.stack([1 - positive, positive], axis=1)
    raised = np.stack([_apply(curve, prediction[:, code]) for code, curve in enumerate(curves)], axis=1)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _isotonic(score: "Array", happened: "Array") -> dict[str, Any]:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(score, happened.astype(float))
    return {"x": fitted.X_thresholds_.tolist(), "y": fitted.y_thresholds_.tolist()}


def _sigmoid(score: "Array", happened: "Array") -> dict[str, Any]:
    if happened.all() or not happened.any():
        return {"slope": 1.0, "offset": 0.0}
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e6, max_iter=1000).fit(_log_odds(score)[:, None], happened)
    return {"slope": float(fitted.coef_[0, 0]), "offset": float(fitted.intercept_[0])}


def _apply(curve: Mapping[str, Any], score: "Array") -> "Array":
    if "x" in curve:
        made = np.interp(score, curve["x"], curve["y"])
    else:
        made = 1.0 / (1.0 + np.exp(-(curve["slope"] * _log_odds(score) + curve["offset"])))
    return np.asarray(np.clip(made, curve["least"], 1.0 - curve["least"]))


def _log_odds(score: "Array") -> "Array":
    inside = np.clip(score, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def least_cost(truth: "Array", score: "Array", mistakes: Mapping[str, Any]) -> dict[str, Any]:
    """The threshold of the positive class's probability at which decisions cost least on these rows.

    ``{"threshold", "cost", "reason"}``: cost per row; the threshold is None, with the reason, where none reaches the
    recall and precision asked for. Among equals it is the one nearest to what right probabilities would call for.
    """
    wrongly, missed = mistakes["false_positive"], mistakes["false_negative"]
    order = np.argsort(-score, kind="stable")
    values, positive = score[order], (truth[order] == 1).astype(np.float64)
    # Calling the first k rows positive, for each k at which the score changes.
    last = np.flatnonzero(np.concatenate([values[1:] != values[:-1], [True]]))
    called = np.concatenate([[0], last + 1])
    found = np.concatenate([[0.0], np.cumsum(positive)])[called]
    every = positive.sum()
    costs = (wrongly * (called - found) + missed * (every - found)) / max(len(truth), 1)
    between = np.concatenate([[_above(values[0])], (values[last[:-1]] + values[last[:-1] + 1]) / 2, [0.0]])
    allowed = np.ones(len(called), dtype=bool)
    asked = []
    for name, share in (("recall", found / max(every, 1)), ("precision", found / np.maximum(called, 1))):
        bound = mistakes.get(name)
        if bound is not None:
            allowed &= share >= bound["at_least"]
            asked.append(f"{name} {bound['at_least']:g}")
    if not allowed.any():
        reason = f"no threshold reaches {' and '.join(asked)} on the {len(truth):,} validation rows"
        return {"threshold": None, "cost": None, "reason": reason}
    right = wrongly / (wrongly + missed)
    cheapest = np.flatnonzero(allowed & (costs <= costs[allowed].min() + 1e-12))
    best = cheapest[np.argmin(np.abs(between[cheapest] - right))]
    return {"threshold": float(between[best]), "cost": float(costs[best]), "reason": None}


def _above(value: float) -> float:
    """A threshold that nothing reaches."""
    return (value + 1) / 2 if value < 1 else math.nextafter(1.0, 2.0)


def by_group(decision: Mapping[str, Any], groups: "Array | None") -> "float | Array | None":
    """What the rows are decided by: the common threshold, or each row's own where groups have theirs."""
    if decision.get("groups") is None or groups is None:
        common: float | None = decision["threshold"]
        return common
    return thresholds.per_row(groups, decision["groups"]["thresholds"], decision["threshold"])


def decided(prediction: "Array", threshold: "float | Array | None") -> "Array":
    """1 for the class decided for, 0 for the others (n, classes): the positive one from the threshold (one, or one for
    each row) on, or the most probable."""
    return np.asarray(np.eye(prediction.shape[1])[codes(prediction, threshold)])


def codes(prediction: "Array", threshold: "float | Array | None") -> "Array":
    """The code of that class (n,)."""
    return prediction.argmax(axis=1) if threshold is None else (prediction[:, 1] >= threshold).astype(np.int64)
