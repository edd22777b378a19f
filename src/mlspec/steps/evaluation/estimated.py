"""What the predicted probabilities alone say of a metric, without any truth.

Classes are drawn by the probabilities, and the metric scores the predictions against them (confidence-based estimation,
as NannyML's CBPE). It is right as far as the probabilities are, so it sees a change of the columns and is blind to a
change of the relation between columns and target.
"""

from typing import Any

import numpy as np

from mlspec.plugins.metric import Metric

Array = np.ndarray[Any, Any]

DRAWS = 100
AT_ONCE = 25
MOST_ROWS = 20_000
SEED = 20_261_130


def score(prediction: "Array") -> "Array":
    """One number of each answer (n,): the value, the probability of the positive of two classes, or the highest one."""
    if prediction.ndim == 1:
        return prediction
    return np.asarray(prediction[:, 1] if prediction.shape[1] == 2 else prediction.max(axis=1))


def estimate(metric: Metric, prediction: "Array", decided: "Array") -> tuple[float | None, float | None]:
    """The expected value of a metric of class probabilities (n, classes), and the spread that chance gives it; None
    where it is not defined. ``decided`` (n, classes) is what a metric of decisions judges."""
    random = np.random.default_rng(SEED)
    if len(prediction) > MOST_ROWS:
        chosen = np.sort(random.permutation(len(prediction))[:MOST_ROWS])
        prediction, decided = prediction[chosen], decided[chosen]
    total = prediction.sum(axis=1, keepdims=True)
    if not len(prediction) or not np.isfinite(total).all() or (total <= 0).any() or (prediction < 0).any():
        return None, None
    found = _scores(metric, decided if metric.decides else prediction, prediction / total, random)
    if not np.isfinite(found).all():
        return None, None
    return float(np.mean(found)), float(np.std(found, ddof=1))


def _scores(metric: Metric, judged: "Array", shares: "Array", random: np.random.Generator) -> "Array":
    """The scores of as many draws of classes by their ``shares`` (n, classes).

    Each row is there once with each class: which of them counts is a weight, and metrics score many weights at once.
    """
    n, classes = shares.shape
    ends = np.cumsum(shares, axis=1)[:, :-1]
    truth, each = np.tile(np.arange(classes), n), np.repeat(judged, classes, axis=0)
    found: list[Array] = []
    for start in range(0, DRAWS, AT_ONCE):
        count = min(AT_ONCE, DRAWS - start)
        drawn = (random.random((count, n))[:, :, None] > ends).sum(axis=2)
        weights = np.eye(classes)[drawn].reshape(count, n * classes)
        scores = metric.resampled(truth, each, weights)
        if scores is None:
            scores = np.asarray([metric.score(codes, judged) for codes in drawn])
        found.append(scores)
    return np.concatenate(found)
