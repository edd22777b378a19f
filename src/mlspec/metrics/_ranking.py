"""How sure a ranking's figures are: the area under the ROC curve and the average precision, each with one sort."""

from typing import TYPE_CHECKING, Any, NamedTuple

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

    m, n = int(np.count_nonzero(positive)), len(score)
    k = n - m
    if m == 0 or k == 0:
        return float("nan"), np.zeros(n)
    order = np.argsort(score)
    ordered, own = score[order], positive[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(first, append=n)
    found = np.add.reduceat(own, first, dtype=np.int64)
    # Rows of the other class that are lower, or as high: a row is placed between the two counts.
    lower = np.cumsum(found) - found
    below, above = 2 * (first - lower) + sizes - found, 2 * lower + found
    placed = np.empty(n)
    placed[order] = np.where(own, np.repeat(below / 2 / k, sizes), 1 - np.repeat(above / 2 / m, sizes))
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


class Precision(NamedTuple):
    """An average precision, how much it is too high on average, and its influences (n,)."""

    value: float
    bias: float
    influences: "Array"


def average_precision(positive: "Array", score: "Array") -> Precision:
    """The average precision by the first and second derivatives by the weight of each row: a positive row counts itself
    as found. NaN where no row is positive."""
    import numpy as np

    n, m = len(score), int(np.count_nonzero(positive))
    if m == 0:
        return Precision(float("nan"), 0.0, np.zeros(n))
    order = np.argsort(-score)
    ordered = score[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(first, append=n)
    # Floats: the cube of a count of some two million rows is beyond all integers.
    own = np.add.reduceat(positive[order], first, dtype=np.float64)
    found, seen = np.cumsum(own), np.cumsum(sizes, dtype=np.float64)
    precision, missed, square = found / seen, seen - found, seen**2
    value = float(own @ precision) / m
    # A row at a score changes the precision at that score and at all lower ones.
    up, down = _from_below(own * missed / square), _from_below(own * found / square)
    bent = 2 * missed / square - 2 * _from_below(own * missed / (square * seen)) - 2 * (precision + up - value) / m
    bowed = 2 * _from_below(own * found / (square * seen))
    bias = float(own @ bent + (sizes - own) @ bowed) / m / 2
    influences = np.empty(n)
    mine, others = (precision - value + up) * n / m, -down * n / m
    influences[order] = np.where(positive[order], np.repeat(mine, sizes), np.repeat(others, sizes))
    return Precision(value, bias, influences)


def _from_below(values: "Array") -> "Array":
    """The sum of each value and all after it."""
    import numpy as np

    return np.asarray(np.cumsum(values[::-1])[::-1])


def precision_interval(found: Precision, positive: int, level: float) -> tuple[float, float] | str:
    """The interval of an average precision of so many ``positive`` rows: studentized around the value less its bias; of
    a perfect ranking the exact one of as many rows as are positive; unknown where few rows are positive."""
    if positive < FEWEST_FOUND:
        few = _intervals.enough(len(found.influences), positive, FEWEST_FOUND)
        return f"{positive} rows are positive, fewer than {FEWEST_FOUND}" + few
    spread = found.influences * (1 + CURVED / positive) ** 0.5
    ends = _intervals.studentized(found.value - found.bias, spread, level, rows=positive)
    if ends is None:
        return _intervals.proportion(positive, positive, level)
    return max(0.0, ends[0]), min(1.0, ends[1])
