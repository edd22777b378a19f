"""Statistics of parts of the rows -> those of all rows: the same, however the rows are divided and in whatever order
the parts come."""

from typing import Any

import polars as pl

from mlspec.plugins.transform import Merging
from mlspec.steps.data import exact_sums

EXACT = ("mean", "deviation")  # of which a part keeps exact sums


def measure(merging: Merging) -> "pl.Expr":
    """What a part measures: an aggregate, or all values in a list where exact sums are taken of them."""
    values: pl.Expr = merging.of
    match merging.how:
        case "sum":
            return values.sum()
        case "min":
            return values.min()
        case "max":
            return values.max()
        case "levels":
            return values.drop_nulls().unique().sort().implode()
        case "counts" | "mode":
            return values.drop_nulls().alias("value").value_counts(name="count").implode()
        case _:
            return values.cast(pl.Float64).drop_nulls().implode()


def written(merging: Merging, value: Any) -> Any:
    """A part's measure as JSON; ``value`` is the one cell that ``measure`` gave."""
    if merging.how in EXACT:
        return exact_sums.moments(value.to_numpy()).written()
    if merging.how in ("counts", "mode"):
        return sorted([row["value"], row["count"]] for row in value)
    return value.to_list() if isinstance(value, pl.Series) else value


def added(merging: Merging, total: Any, part: Any) -> Any:
    """A total (None before the first part) and what ``written`` gave of one more part; the total may change in
    place."""
    match merging.how:
        case "mean" | "deviation":
            found = exact_sums.read(part)
            return found if total is None else total.plus(found)
        case "levels":
            total = set() if total is None else total
            total.update(part)
        case "counts" | "mode":
            total = {} if total is None else total
            for value, count in part:
                total[value] = total.get(value, 0) + count
        case _:
            if total is None or part is None:
                return part if total is None else total
            return total + part if merging.how == "sum" else (min if merging.how == "min" else max)(total, part)
    return total


def finished(merging: Merging, total: Any) -> Any:
    """The statistic of all rows."""
    match merging.how:
        case "mean":
            return total.mean()
        case "deviation":
            return total.deviation()
        case "levels":
            return sorted(total)
        case "counts":
            value, count = merging.names
            return [{value: one, count: total[one]} for one in sorted(total)]
        case "mode":
            most = max(total.values(), default=0)
            return min((value for value, count in total.items() if count == most), default=None)
        case _:
            return total
