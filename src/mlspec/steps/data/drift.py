"""How far a column's values are spread otherwise than they were: a sketch of the spread, and distances of two.

Of numbers the sketch is the share of values up to each twentieth, of categories the share of the fifty most frequent.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from scipy.stats import chi2

from mlspec.steps.data.violations import Fault

EDGES = tuple(step / 20 for step in range(1, 20))
MOST_VALUES = 50
FLOOR = 1e-4
PSI = 0.2
FEWEST = 1e-6  # what rounding leaves of a part without rows

Sketch = Mapping[str, Any]


def sketch(rows: "pl.LazyFrame", name: str) -> dict[str, Any]:
    """The spread of a column's values: ``edges`` with the share up to each (``below``), or ``values`` with theirs."""
    cell = pl.col(name)
    kind = rows.collect_schema()[name]
    count, missing = rows.select(pl.len(), cell.is_null().sum().alias("m")).collect(engine="streaming").row(0)
    known = max(count - missing, 1)
    about = {"rows": count, "missing": missing / max(count, 1)}
    if kind.is_numeric() or kind.is_temporal():
        number = _number(cell, kind)
        found = rows.select(number.quantile(list(EDGES), "lower")).collect(engine="streaming").item()
        edges = sorted({float(edge) for edge in found if edge is not None}) if found is not None else []
        return {**about, "edges": edges, "below": [part / known for part in _below(rows, number, edges)]}
    counted = (
        rows.filter(cell.is_not_null()).group_by(cell.cast(pl.String).alias("v")).len()
        .sort(["len", "v"], descending=[True, False]).head(MOST_VALUES).collect(engine="streaming")
    )  # fmt: skip
    return {**about, "values": {value: part / known for value, part in counted.iter_rows()}}


def against(rows: "pl.LazyFrame", name: str, before: Sketch) -> dict[str, Any]:
    """The spread of a column's values now, in the parts that an earlier sketch has; None where it can't be compared."""
    cell = pl.col(name)
    kind = rows.collect_schema()[name]
    count, missing = rows.select(pl.len(), cell.is_null().sum().alias("m")).collect(engine="streaming").row(0)
    known = max(count - missing, 1)
    about = {"rows": count, "missing": missing / max(count, 1)}
    if "edges" in before:
        if not (kind.is_numeric() or kind.is_temporal()):
            return {}
        below = _below(rows, _number(cell, kind), before["edges"])
        return {**about, "edges": before["edges"], "below": [part / known for part in below]}
    values = list(before["values"])
    text = cell.cast(pl.String)
    row = rows.select([(text == value).sum().alias(str(at)) for at, value in enumerate(values)])
    counts = row.collect(engine="streaming").row(0) if values else ()
    return {**about, "values": {value: part / known for value, part in zip(values, counts, strict=True)}}


def distances(before: Sketch, now: Sketch) -> dict[str, float]:
    """``psi`` of both kinds, ``ks`` of numbers, ``chi_squared`` (its p-value) of categories."""
    old, new = _parts(before), _parts(now)
    found = {"psi": sum((b - a) * math.log(b / a) for a, b in zip(_floored(old), _floored(new), strict=True))}
    if "edges" in before:
        apart = [abs(a - b) for a, b in zip(before["below"], now["below"], strict=True)]
        return {**found, "ks": max(apart, default=0.0)}
    return {**found, "chi_squared": _p_value(old, new, before["rows"], now["rows"])}


def faults(asked: Mapping[str, Any], measured: Mapping[str, float]) -> Iterator[Fault]:
    """What drifted further than it may."""
    name, bounds = asked["column"], asked["drift"]
    psi = bounds.get("psi")
    if all(bounds.get(key) is None for key in ("psi", "ks", "chi_squared")):
        psi = PSI
    tail = "than when mlspec.lock pinned it"
    accept = "mlspec run --accept-data pins it as it is now"
    if psi is not None and measured["psi"] > psi:
        message = f"'{name}' is spread otherwise {tail}: PSI {measured['psi']:.3f}, at most {psi:g} expected"
        yield Fault(message, accept)
    ks = bounds.get("ks")
    if ks is not None and measured.get("ks", 0.0) > ks:
        yield Fault(f"'{name}' is spread otherwise {tail}: KS {measured['ks']:.3f}, at most {ks:g} expected", accept)
    least = bounds.get("chi_squared")
    if least is not None and measured.get("chi_squared", 1.0) < least:
        p = measured["chi_squared"]
        yield Fault(f"'{name}' is spread otherwise {tail}: chi-squared p {p:.2g}, at least {least:g} expected", accept)


def _number(cell: "pl.Expr", kind: "pl.DataType") -> "pl.Expr":
    return (cell.to_physical() if kind.is_temporal() else cell).cast(pl.Float64)


def _below(rows: "pl.LazyFrame", number: "pl.Expr", edges: list[float]) -> list[int]:
    """How many values are at or below each edge."""
    if not edges:
        return []
    asked = rows.select([(number <= edge).sum().alias(str(at)) for at, edge in enumerate(edges)])
    return list(asked.collect(engine="streaming").row(0))


def _parts(of: Sketch) -> list[float]:
    """Shares of all rows that are in each part: tenths or values, the rest, and those that are missing."""
    there = 1.0 - of["missing"]
    if "edges" in of:
        # Every second twentieth: the index is known by tenths.
        below = [*of["below"][1::2], 1.0] if len(of["below"]) == len(EDGES) else [*of["below"], 1.0]
        shares = [b - a for a, b in zip([0.0, *below[:-1]], below, strict=True)]
    else:
        shares = [*of["values"].values(), max(0.0, 1.0 - sum(of["values"].values()))]
    return [*(share * there for share in shares), of["missing"]]


def _floored(shares: list[float]) -> list[float]:
    return [max(share, FLOOR) for share in shares]


def _p_value(old: list[float], new: list[float], before: int, now: int) -> float:
    """The p-value of a chi-squared test of two samples."""
    if not before or not now:
        return 1.0
    to_old, to_new = math.sqrt(now / before), math.sqrt(before / now)
    cells = [(a * before, b * now) for a, b in zip(old, new, strict=True) if a + b > FEWEST]
    statistic = sum((to_old * a - to_new * b) ** 2 / (a + b) for a, b in cells)
    return float(chi2.sf(statistic, max(1, len(cells) - 1)))
