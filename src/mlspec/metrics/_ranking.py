"""How sure a ranking's figures are: the area under the ROC curve and the average precision, each with one sort."""

from typing import TYPE_CHECKING, Any

from mlspec.metrics import _intervals

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FEWEST = 5  # rows of the rarer class
FEWEST_FOUND = 20  # positive rows behind an average precision
CURVED = 10  # variance that the first derivatives leave out, by positive row: found by simulation
MISRANKED = 3  # rows' worth of wrong order below which the spread seen is not all there is


def placements(positive: "Array", score: "Array") -> "tuple[float, Array]":
    """The area under the ROC curve and its influences (n,): each row's placement among the rows of the other class
    (DeLong, DeLong and Clarke-Pearson 1988)."""
    import numpy as np

    ordered, negatives = np.sort(score[positive]), np.sort(score[~positive])
    m, k, n = len(ordered), len(negatives), len(score)
    if m == 0 or k == 0:
        return float("nan"), np.zeros(n)
    placed = np.empty(n)
    for mine, others in ((positive, negatives), (~positive, ordered)):
        own = score[mine]
        placed[mine] = (np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")) / 2 / len(others)
    placed[~positive] = 1 - placed[~positive]
    area = float(placed[positive].mean())
    return area, (placed - area) * np.where(positive, n / m, n / k)


def area_interval(area: float, influences: "Array", rows: "Array", level: float) -> tuple[float, float] | str:
    """The interval of an area under the ROC curve of classes with so many ``rows``.

    Studentized; if it is that of fewer than three misranked rows of the rarer class, its lower end is no higher than
    Newcombe's (2006, method 5), which supposes exponential scores, and the upper one is that on the log-odds.
    """
    fewest = int(rows.min())
    if fewest < FEWEST:
        return f"the rarer class has {fewest} rows, fewer than {FEWEST}" + _intervals.enough(
            int(rows.sum()), fewest, FEWEST
        )
    if not influences.any():
        return (0.5, 0.5) if area == 0.5 else _newcombe(area, fewest, int(rows.sum()) - fewest, level)
    low, high = _intervals.studentized(area, influences, level, rows=fewest) or (area, area)
    if fewest * min(area, 1 - area) >= MISRANKED:
        return low, high
    floor, ceiling = _newcombe(area, fewest, int(rows.sum()) - fewest, level)
    curved = _intervals.studentized(area, influences, level, rows=fewest, logit=True) or (floor, ceiling)
    return (min(low, floor), curved[1]) if area > 0.5 else (curved[0], max(high, ceiling))


def _newcombe(area: float, m: int, k: int, level: float) -> tuple[float, float]:
    """The areas whose error, by Hanley and McNeil's (1982) formula, is not too small for the area seen."""
    import numpy as np
    from scipy.special import stdtrit

    t = -float(stdtrit(min(m, k) - 1, (1 - level) / 2))
    near = np.geomspace(0.25, 1e-9, 400)
    areas = np.concatenate([near[::-1], np.linspace(0.25, 0.75, 201)[1:-1], 1 - near])
    pairs = (m + k) / 2 - 1
    spread = areas * (1 - areas) * (1 + pairs * ((1 - areas) / (2 - areas) + areas / (1 + areas))) / (m * k)
    inside = areas[np.abs(area - areas) <= t * np.sqrt(spread)]
    low, high = float(min(area, inside[0])), float(max(area, inside[-1]))
    return (0.0 if area == 0 else low), (1.0 if area == 1 else high)


def average_precision(positive: "Array", score: "Array") -> "tuple[float, Array]":
    """How much the average precision is too high on average, and its influences (n,).

    By the first and second derivatives by the weight of each row: a positive row counts itself as found.
    """
    import numpy as np

    n, m = len(score), int(positive.sum())
    if m == 0:
        return 0.0, np.zeros(n)
    values, codes = np.unique(-score, return_inverse=True)
    own = np.bincount(codes, positive, minlength=len(values))
    found, seen = np.cumsum(own), np.cumsum(np.bincount(codes, minlength=len(values)))
    precision, missed = found / seen, seen - found
    value = float(own @ precision) / m
    # A row at a score changes the precision at that score and at all lower ones.
    up = np.cumsum((own * missed / seen**2)[::-1])[::-1]
    down = np.cumsum((own * found / seen**2)[::-1])[::-1]
    influences = np.where(positive, (precision - value + up)[codes], -down[codes]) * n / m
    bent = 2 * missed / seen**2 - 2 * np.cumsum((own * missed / seen**3)[::-1])[::-1] - 2 * (precision + up - value) / m
    bowed = 2 * np.cumsum((own * found / seen**3)[::-1])[::-1]
    return float(np.where(positive, bent[codes], bowed[codes]).sum()) / m / 2, np.asarray(influences)


def precision_interval(positive: "Array", score: "Array", value: float, level: float) -> tuple[float, float] | str:
    """The interval of an average precision: studentized around the value less its bias; of a perfect ranking the exact
    one of as many rows as are positive; unknown where few rows are positive."""
    m = int(positive.sum())
    if m < FEWEST_FOUND:
        return f"{m} rows are positive, fewer than {FEWEST_FOUND}" + _intervals.enough(len(score), m, FEWEST_FOUND)
    bias, influences = average_precision(positive, score)
    ends = _intervals.studentized(value - bias, influences * (1 + CURVED / m) ** 0.5, level, rows=m)
    return _intervals.proportion(m, m, level) if ends is None else (max(0.0, ends[0]), min(1.0, ends[1]))
