"""Thresholds by group: of all that keep a difference within a bound, those whose decisions cost least.

Hardt, Price and Srebro (2016), without their randomisation: each row's decision follows from its group and its
probability alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from mlspec.steps.trust.fairness import RATES

Array = np.ndarray[Any, Any]

COMMON = 0.5  # where no costs set another
EVEN = {"false_positive": 1.0, "false_negative": 1.0}
MOST_WINDOWS = 4_000  # places of a bound's window that are tried
MOST_SIDES = 120  # the same along each of two rates


class Steps(msgspec.Struct, frozen=True):
    """A group's rows predicted positive one after the other, the most probable first: after each, the rates, the cost
    of all mistakes, and a threshold between the two rows."""

    rates: "tuple[Array, ...]"
    costs: "Array"
    thresholds: "Array"


def search(
    truth: "Array",
    score: "Array",
    groups: "Array",
    *,
    metric: str,
    at_most: float,
    mistakes: Mapping[str, Any],
    minimum_rows: int,
    common: float,
) -> dict[str, float]:
    """The threshold of each group, by its label, with the least cost among those that keep ``metric`` within a bound.

    ``truth`` is 1 for the positive class, ``score`` its probability. Groups whose rates rest on fewer rows than
    ``minimum_rows`` are left out: the common threshold is theirs, and everybody's where fewer than two are left. Exact
    for one rate (up to 4,000 places of the window), on a grid of 120 by 120 places for the two of equalized odds. Of
    equally cheap thresholds a group has the one nearest to ``common``.
    """
    own = {}
    for name in sorted({str(group) for group in groups}):
        mine = groups == name
        found = _steps(truth[mine], score[mine], metric, mistakes, minimum_rows)
        if found is not None:
            own[name] = found
    if len(own) < 2:
        return {}  # nothing to hold against each other
    places = _places([found.rates for found in own.values()])
    windows = {name: _windows(found, places, at_most) for name, found in own.items()}
    total = np.sum([_least(found.costs, *windows[name]) for name, found in own.items()], axis=0)
    best = int(np.argmin(total))
    chosen = {}
    for name, found in own.items():
        first, last = (int(ends[best]) for ends in windows[name])
        costs, between = found.costs[first:last], found.thresholds[first:last]
        cheap = np.flatnonzero(costs <= costs.min() + 1e-9)
        chosen[name] = float(between[cheap[np.argmin(np.abs(between[cheap] - common))]])
    return chosen


def per_row(groups: "Array", thresholds: Mapping[str, float], common: float) -> "Array":
    """The threshold of each row (n,): its group's, or the common one."""
    return np.asarray([thresholds.get(str(group), common) for group in groups], dtype=np.float64)


def _steps(truth: "Array", score: "Array", metric: str, mistakes: Mapping[str, Any], fewest: int) -> Steps | None:
    """None where one of the rates rests on too few rows."""
    positive = truth == 1
    counts = {
        "selection_rate": len(truth),
        "true_positive_rate": int(positive.sum()),
        "false_positive_rate": int((~positive).sum()),
    }
    if min(counts[rate] for rate in RATES[metric]) < fewest:
        return None
    order = np.argsort(-score, kind="stable")
    values, right = score[order], positive[order].astype(np.float64)
    last = np.flatnonzero(np.concatenate([values[1:] != values[:-1], [True]]))
    called = np.concatenate([[0], last + 1])
    found = np.concatenate([[0.0], np.cumsum(right)])[called]
    by_name = {"selection_rate": called, "true_positive_rate": found, "false_positive_rate": called - found}
    costs = mistakes["false_positive"] * (called - found) + mistakes["false_negative"] * (right.sum() - found)
    above = (values[0] + 1) / 2 if values[0] < 1 else np.nextafter(1.0, 2.0)
    between = np.concatenate([[above], (values[last[:-1]] + values[last[:-1] + 1]) / 2, [0.0]])
    return Steps(tuple(by_name[rate] / counts[rate] for rate in RATES[metric]), costs, between)


def _places(rates: "Sequence[tuple[Array, ...]]") -> "tuple[Array, ...]":
    """Where the window may begin along each rate: at a rate of one of the groups."""
    most = MOST_WINDOWS if len(rates[0]) == 1 else MOST_SIDES
    sides = []
    for along in zip(*rates, strict=True):
        every = np.unique(np.concatenate(along))
        if len(every) > most:
            every = np.linspace(0, 1, most)
        sides.append(every)
    return tuple(np.asarray(side).ravel() for side in np.meshgrid(*sides, indexing="ij"))


def _windows(found: Steps, places: "tuple[Array, ...]", at_most: float) -> "tuple[Array, Array]":
    """The first step of a group inside each window, and the one behind the last; rates rise with the steps."""
    first = np.zeros(len(places[0]), dtype=np.int64)
    behind = np.full(len(places[0]), len(found.costs), dtype=np.int64)
    for rate, low in zip(found.rates, places, strict=True):
        first = np.maximum(first, np.searchsorted(rate, low - 1e-12, side="left"))
        behind = np.minimum(behind, np.searchsorted(rate, low + at_most + 1e-12, side="right"))
    return first, behind


def _least(costs: "Array", first: "Array", behind: "Array") -> "Array":
    """The least cost of the steps from ``first`` to before ``behind``, infinite where there are none: by minima over
    powers of two, so that each window takes two look-ups."""
    levels = [costs]
    while 2 ** len(levels) <= len(costs):
        half = 2 ** (len(levels) - 1)
        levels.append(np.minimum(levels[-1][:-half], levels[-1][half:]))
    width = np.maximum(behind - first, 0)
    level = np.maximum(np.frexp(np.maximum(width, 1))[1] - 1, 0)
    result = np.full(len(first), np.inf)
    for power, minima in enumerate(levels):
        mine = (level == power) & (width > 0)
        starts, ends = first[mine], behind[mine] - 2**power
        result[mine] = np.minimum(minima[starts], minima[ends])
    return result
