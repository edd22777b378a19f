"""How differently decisions treat groups: rates of each group, and the greatest difference with its interval.

Every interval holds for all pairs of groups at once (Bonferroni). A pair's difference has Newcombe's interval (1998,
method 10), its ratio that of Donner and Zou (2012), both from the exact intervals of the two rates: with Wilson's, a
gate on rates near 0 or 1 passes falsely in up to 4 %. Resampling would not do: the greatest of several noisy
differences is too great on average, and more so in each resample.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlspec.metrics._intervals import proportion

Array = np.ndarray[Any, Any]

Rate = tuple[int, int]  # rows predicted positive, of rows
RATES: dict[str, tuple[str, ...]] = {
    "demographic_parity_difference": ("selection_rate",),
    "demographic_parity_ratio": ("selection_rate",),
    "equal_opportunity_difference": ("true_positive_rate",),
    "equalized_odds_difference": ("true_positive_rate", "false_positive_rate"),
}


def table(codes: "Array", values: Sequence[Sequence[str]], truth: "Array", called: "Array") -> list[dict[str, Any]]:
    """Each group's rows and its rates as (rows predicted positive, rows): of all, of the positives, of the
    negatives."""
    found = []
    for code, said in enumerate(values):
        mine = codes == code
        found.append(
            {
                "values": list(said),
                "rows": int(mine.sum()),
                "selection_rate": [int(called[mine].sum()), int(mine.sum())],
                "true_positive_rate": [int(called[mine & (truth == 1)].sum()), int((mine & (truth == 1)).sum())],
                "false_positive_rate": [int(called[mine & (truth != 1)].sum()), int((mine & (truth != 1)).sum())],
            }
        )
    return found


def compare(metric: str, groups: Sequence[dict[str, Any]], fewest: int, level: float) -> dict[str, Any]:
    """The metric over the groups whose rates rest on enough rows, its interval, and the groups that have too few.

    ``{"value", "low", "high", "n", "pair", "too_few"}``: value None where fewer than two groups have enough rows.
    """
    rates = RATES[metric]
    judged = [group for group in groups if all(group[rate][1] >= fewest for rate in rates)]
    too_few = [group["values"] for group in groups if not all(group[rate][1] >= fewest for rate in rates)]
    found: dict[str, Any] = {"too_few": too_few, "n": sum(group["rows"] for group in judged), "pair": None}
    pairs = list(itertools.combinations(judged, 2))
    if not pairs:
        return {**found, "value": None, "low": None, "high": None}
    corrected = 1 - (1 - level) / (len(pairs) * len(rates))
    apart = _ratio if metric.endswith("ratio") else _difference
    seen = [(*apart(one[rate], other[rate], corrected), one, other) for one, other in pairs for rate in rates]
    furthest = min if metric.endswith("ratio") else max
    value, _, _, one, other = furthest(seen, key=lambda entry: entry[0])
    return {
        **found,
        "value": value,
        "low": furthest(low for _, low, _, _, _ in seen),
        "high": furthest(high for _, _, high, _, _ in seen),
        "pair": [one["values"], other["values"]],
    }


def _difference(one: Rate, other: Rate, level: float) -> tuple[float, float, float]:
    """The distance between two rates, and the ends of its interval."""
    (p, low_p, high_p), (q, low_q, high_q) = _rate(one, level), _rate(other, level)
    low = (p - q) - ((p - low_p) ** 2 + (high_q - q) ** 2) ** 0.5
    high = (p - q) + ((high_p - p) ** 2 + (q - low_q) ** 2) ** 0.5
    return abs(p - q), max(0.0, low, -high), min(1.0, max(high, -low))


def _ratio(one: Rate, other: Rate, level: float) -> tuple[float, float, float]:
    """The smaller rate over the greater, and the ends of its interval."""
    lower, upper = sorted((_rate(one, level), _rate(other, level)))
    if upper[0] == 0:
        return 1.0, 0.0, 1.0
    ends = [_ratio_ends(lower, upper), _ratio_ends(upper, lower)]
    # The interval of the turned ratio is the turned interval: the smaller end of the two is that of the minimum.
    low = min(ends[0][0], ends[1][0])
    return lower[0] / upper[0], max(0.0, low), min(1.0, ends[0][1])


def _ratio_ends(above: tuple[float, float, float], below: tuple[float, float, float]) -> tuple[float, float]:
    (p, low_p, high_p), (q, low_q, high_q) = above, below
    product, infinite = p * q, float("inf")
    bottom_high, bottom_low = high_q * (2 * q - high_q), low_q * (2 * q - low_q)
    inner_low = product**2 - low_p * (2 * p - low_p) * bottom_high
    inner_high = product**2 - high_p * (2 * p - high_p) * bottom_low
    low = (product - max(inner_low, 0.0) ** 0.5) / bottom_high if bottom_high else 0.0
    high = (product + max(inner_high, 0.0) ** 0.5) / bottom_low if bottom_low > 0 else infinite
    return low, high


def _rate(rate: Rate, level: float) -> tuple[float, float, float]:
    count, n = rate
    return count / n, *proportion(count, n, level)
