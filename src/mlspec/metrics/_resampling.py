"""What metrics share: means and rank statistics under many rows of weights at once, and an interval for proportions."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def means(values: "Array", weights: "Array") -> "Array":
    """Weighted means of ``values`` (n,) under each row of ``weights`` (replicates, n)."""
    result: Array = (weights @ values) / weights.sum(axis=1)
    return result


def labels(prediction: "Array") -> "Array":
    """The most probable class of each row."""
    result: Array = prediction.argmax(axis=1)
    return result


def ratio(above: "Array", below: "Array", empty: float = 0.0) -> "Array":
    """``above / below``, and ``empty`` where there is nothing below (what scikit-learn answers there)."""
    import numpy as np

    full = below > 0
    result: Array = np.where(full, above / np.where(full, below, 1.0), empty)
    return result


def counts(truth: "Array", prediction: "Array", weights: "Array") -> "tuple[Array, Array, Array]":
    """Weights of rows that are rightly given a class, that are given it, that have it: each (replicates, classes)."""
    import numpy as np

    classes = np.arange(prediction.shape[1])
    given = (labels(prediction)[:, None] == classes).astype(weights.dtype)
    has = (truth[:, None] == classes).astype(weights.dtype)
    return weights @ (given * has), weights @ given, weights @ has


def ranked(truth: "Array", score: "Array", weights: "Array") -> "tuple[Array, Array]":
    """Weights of positive and of negative rows at each distinct score, highest first: each (replicates, scores).

    One sort serves all rows of weights.
    """
    import numpy as np

    order = np.argsort(-score, kind="stable")
    values, sorted_weights = score[order], weights[:, order]
    positive = sorted_weights * (truth[order] == 1)
    negative = sorted_weights - positive
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    if len(first) == len(values):
        return positive, negative
    return np.add.reduceat(positive, first, axis=1), np.add.reduceat(negative, first, axis=1)


def area_under_roc(truth: "Array", score: "Array", weights: "Array") -> "Array":
    """The area under the ROC curve of class 1 against the rest; NaN where one of them has no weight."""
    import numpy as np

    positive, negative = ranked(truth, score, weights)
    above = np.cumsum(positive, axis=1) - positive / 2
    area = np.einsum("ij,ij->i", above, negative)
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    result: Array = np.where(pairs > 0, area / np.where(pairs > 0, pairs, 1.0), np.nan)
    return result


def average_precision(truth: "Array", score: "Array", weights: "Array") -> "Array":
    """The mean of the precision over the positive rows' ranks; NaN where there are none."""
    import numpy as np

    positive, negative = ranked(truth, score, weights)
    found = np.cumsum(positive, axis=1)
    seen = found + np.cumsum(negative, axis=1)
    precision = ratio(found, seen)
    total = positive.sum(axis=1)
    area = np.einsum("ij,ij->i", positive, precision)
    result: Array = np.where(total > 0, area / np.where(total > 0, total, 1.0), np.nan)
    return result


def wilson(share: float, n: int, level: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion seen in ``n`` independent rows; never empty, always within 0 and 1."""
    from statistics import NormalDist

    if n <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    scale = 1 + z * z / n
    middle = (share + z * z / (2 * n)) / scale
    half = z / scale * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def certain(share: float, n: int, level: float) -> tuple[float, float] | None:
    """Wilson's interval where a proportion is 0 or 1 and resampling would see no spread, else None."""
    return wilson(share, n, level) if share in (0.0, 1.0) else None


def confidence(truth: "Array", prediction: "Array") -> "tuple[Array, Array]":
    """The stated probability of each row and whether it came true (0 or 1): of the positive class for two classes, else
    of the most probable class."""
    import numpy as np

    if prediction.shape[1] == 2:
        return prediction[:, 1], (truth == 1).astype(np.float64)
    return prediction.max(axis=1), (labels(prediction) == truth).astype(np.float64)


def equal_bins(values: "Array", bins: int) -> "Array":
    """The bin of each value, from 0, no bin empty; bins of equal size but that equal values share one."""
    import numpy as np

    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    codes: Array = np.unique(np.searchsorted(edges, values, side="left"), return_inverse=True)[1]
    return codes
