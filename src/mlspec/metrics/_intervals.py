"""The few constructions behind the intervals of all metrics: proportions, sums of them, and studentized means.

A construction gives the ends of an interval, or in words why these rows can't give one.
"""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Ends = tuple[float, float]

CARRYING = 5  # rows that have to carry a difference or a score
WRONG = 3  # rows that are wrong, or that should be by their probabilities, below which a mean loss is unknown
STEADY = 8  # the same, below which the difference of two mean losses is not judged by its rows alone
FEWEST = 20  # rows below which a mean of unbounded losses is unknown
HEAVY = 0.5  # tail index from which on losses have no variance
MANY = 0.3  # of the rows: where so many carry a mean, groups of rows with unequal losses only look like a tail
FREEDOM = 3.0  # fewest degrees of freedom


def proportion(count: float, n: float, level: float) -> Ends:
    """The exact interval of a proportion (Clopper and Pearson 1934): each end is wrong with at most half of 1 - level.

    ``count`` of ``n`` rows; both may be fractions, where they bound what varies less than so many rows do. Wilson's
    (1927) is shorter, but its end on the near side of 0 or 1 is wrong three times as often as the other.
    """
    from scipy.special import betaincinv

    if n <= 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(betaincinv(count, n - count + 1, tail)) if count > 0 else 0.0
    high = float(betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return low, high


def total(parts: "Iterable[tuple[float, float, Ends]]") -> Ends:
    """The interval of a weighted sum of independent values from each one's own: (weight, value, ends).

    By the squares of the arms (Newcombe 1998, method 10; Zou and Donner 2008): every end keeps its own side's arm.
    """
    value = below = above = 0.0
    for weight, own, (low, high) in parts:
        arms = (own - low, high - own) if weight >= 0 else (high - own, own - low)
        value += weight * own
        below += (weight * arms[0]) ** 2
        above += (weight * arms[1]) ** 2
    return value - math.sqrt(below), value + math.sqrt(above)


def studentized(value: float, influences: "Array", level: float, *, rows: int = 0, logit: bool = False) -> Ends | None:
    """The interval of a value whose error is about the mean of ``influences`` (n,), which have the mean 0.

    Student's t, corrected for skewness by Hall's monotone transformation (1992); its degrees of freedom are those of
    the variance that the skewness leaves unexplained. ``rows``: how many the rarer class has, where a value rests on
    means of classes. ``logit``: on the log-odds of a value within 0 and 1, whose
    curvature is part of the skewness. None where all influences are 0.
    """
    import numpy as np
    from scipy.special import stdtrit

    n = len(influences)
    squared = influences * influences
    variance = float(squared.mean()) if n else 0.0
    if n < 3 or variance <= 1e-24 * max(1.0, value * value) or (logit and not 0 < value < 1):
        return None
    skewness = float((squared * influences).mean()) / variance**1.5 * math.sqrt(n * (n - 1)) / (n - 2)
    kurtosis = float((squared * squared).mean()) / variance**2
    freedom = 2 * n / max(kurtosis - 1 - 0.75 * skewness**2, 0.01)
    tail = (1 - level) / 2
    fewest = rows or n
    t = -float(stdtrit(min(max(freedom, FREEDOM), fewest - 1), tail))
    error = math.sqrt(variance / n * fewest / (fewest - 1))
    slope, bend = (1 / (value * (1 - value)), (2 * value - 1) / (value * (1 - value))) if logit else (1.0, 0.0)
    a, b = skewness / (3 * math.sqrt(n)) + bend * error / 2, skewness / (6 * math.sqrt(n))
    middle = math.log(value / (1 - value)) if logit else value
    ends = [middle - slope * error * _untransformed(x, a, b) for x in (t, -t)]
    low, high = (float(1 / (1 + np.exp(-end))) for end in ends) if logit else ends
    return low, high


def _untransformed(x: float, a: float, b: float) -> float:
    """The t at which Hall's transformation ``t + a t^2 + a^2 t^3 / 3 + b`` is ``x``."""
    if abs(a) < 1e-9:
        return x - b
    return (math.cbrt(1 + 3 * a * (x - b)) - 1) / a


def mean_loss(losses: "Array", level: float) -> Ends | str:
    """The interval of the mean of losses (n,) that have no upper bound; unknown where a few rows carry it.

    That is where the tail index reaches 1/2: such losses have no variance, and the mean of no sample tells what the
    rare ones add. The upper end is that of the rows and one more with the greatest loss, for those that are rarer than
    one in as many rows.
    """
    import numpy as np

    if why := heavy(losses):
        return why
    value, more = float(losses.mean()), np.append(losses, losses.max())
    ends, further = studentized(value, centred(losses), level), studentized(float(more.mean()), centred(more), level)
    return "all rows have the same loss" if ends is None or further is None else (max(0.0, ends[0]), further[1])


def heavy(losses: "Array") -> str:
    """Why losses (n,), none below 0, can't carry an interval of their mean; empty where they can."""
    n = len(losses)
    if not math.isfinite(float(losses.sum())):
        return "the loss of a row is not defined"
    if n < FEWEST:
        return f"too few rows show how the errors spread: {n}, where at least {FEWEST} are needed"
    carrying = float(losses.sum()) ** 2 / max(float(losses @ losses), 1e-300)
    if tail_index(losses) >= HEAVY and carrying < MANY * n:
        return f"few rows carry the error: it is spread like that of {carrying:,.0f} of {n:,} rows, with a heavy tail"
    return ""


def tail_index(losses: "Array") -> float:
    """How heavy the tail of losses (n,) is, of the 3 root n greatest: 0 as exponential ones, from 1/2 on without
    variance, from 1 on without mean (the moment estimator of Dekkers, Einmahl and de Haan 1989)."""
    import numpy as np

    n = len(losses)
    first_of = n - 1 - min(n - 1, round(3 * math.sqrt(n)))
    top = np.sort(np.partition(losses, first_of)[first_of:])
    if top[0] <= 0:
        return math.inf if top[-1] > 0 else 0.0
    logs = np.log(top[1:] / top[0])
    first, second = float(logs.mean()), float((logs * logs).mean())
    if second <= 0 or second <= first**2:
        return 0.0
    return first + 1 - 0.5 / (1 - first**2 / second)


def few_wrong(truth: "Array", prediction: "Array") -> str:
    """Why probabilities (n, classes) can't carry an interval of their mean loss; empty where they can.

    Wrong rows carry the loss. Too few of them are seen, and too few are to be expected by the probabilities.
    """
    wrong, expected = wrong_rows(truth, prediction)
    if max(wrong, expected) >= WRONG:
        return ""
    shown = math.floor(expected * 10 + 1e-6) / 10
    seen = f"few rows carry the loss: {wrong} of {len(truth):,} are wrong, and {shown} are to be expected"
    return seen + enough(len(truth), max(wrong, expected), WRONG)


def wrong_rows(truth: "Array", prediction: "Array") -> tuple[int, float]:
    """How many rows have another class than the most probable one, and in how many that is to be expected."""
    import numpy as np

    sure = prediction.max(axis=1)
    wrong = int((prediction[np.arange(len(truth)), truth] < sure).sum())
    return wrong, float((1 - sure / prediction.sum(axis=1)).sum())


def unseen(truth: "Array", prediction: "Array", if_wrong: "Array", level: float) -> float:
    """By how much the mean loss of probabilities (n, classes) may be higher than its rows show, of which few are wrong.

    That is what wrong rows would add, if there were as many as there may be; ``if_wrong`` (n,) is what the rows would
    lose were they wrong.
    """
    n = len(truth)
    wrong, _expected = wrong_rows(truth, prediction)
    return (proportion(wrong, n, level)[1] - wrong / n) * float(if_wrong.mean())


def enough(n: int, count: float, needed: int) -> str:
    """How many rows would have as many of a kind as are needed, by those that ``n`` rows have; to end a reason."""
    return f"; about {math.ceil(n * needed / count):,} rows would do" if count >= 0.5 else ""


def carrying(influences: "Array") -> float:
    """By how many rows the spread of influences (n,) is carried, as if each weighed the same."""
    squares = influences * influences
    fourth = float(squares @ squares)
    return float(squares.sum()) ** 2 / fourth if fourth > 0 else 0.0


def ratio(above: "Array", below: "Array") -> "Array":
    """The influences of ``above.sum() / below.sum()``, by row (n,), or by row and column (n, columns); 0 where nothing
    is below."""
    import numpy as np

    n, sums = len(above), below.sum(axis=0)
    value = above.sum(axis=0) / np.maximum(sums, 1)
    return np.asarray(n * (above - value * below) / np.maximum(sums, 1))


def centred(losses: "Array") -> "Array":
    """The influences of a mean: each row's own less it."""
    result: Array = losses - losses.mean()
    return result
