"""Parts of rows by the values of columns, and the part in which a model errs most."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

Array = np.ndarray[Any, Any]

MOST_LEVELS = 50
MOST_DISTINCT = 10  # numbers with more distinct values than this are cut into quarters
MOST_PAIRED = 40  # columns that are searched in pairs
SHOWN = 5
MISSING, OTHERS = "missing", "other values"


def levels(column: "pl.Series") -> "tuple[Array, list[str]]":
    """The level of each row and the levels' names: the values, most frequent first, or quarters of a number or date."""
    ordered = column.dtype.is_numeric() or column.dtype.is_temporal()
    if column.dtype.is_float():
        column = column.fill_nan(None)
    if ordered and column.n_unique() > MOST_DISTINCT:
        known = column.drop_nulls()
        physical = column.to_physical().cast(pl.Float64)
        edges = np.unique(np.quantile(known.to_physical().cast(pl.Float64).to_numpy(), [0.25, 0.5, 0.75]))
        cut = np.searchsorted(edges, physical.fill_null(0.0).to_numpy(), side="left")
        text = pl.Series(cut).cast(pl.String)
        bins = (
            pl.DataFrame({"bin": text, "value": column})
            .drop_nulls()
            .group_by("bin")
            .agg(pl.col("value").min().alias("low"), pl.col("value").max().alias("high"))
        )
        spelled = {b: _range(low, high) for b, low, high in bins.iter_rows()}
        names = sorted(spelled, key=int)
        codes = {name: code for code, name in enumerate(names)}
        found = np.asarray([-1 if null else codes[b] for b, null in zip(text, column.is_null(), strict=True)])
        return _with_missing(found, [spelled[name] for name in names])
    text = column.cast(pl.String)
    counted = sorted(text.drop_nulls().alias("value").value_counts().iter_rows(), key=lambda pair: (-pair[1], pair[0]))
    names = [name for name, _ in counted[:MOST_LEVELS]]
    others = len(counted) > MOST_LEVELS
    code = {name: index for index, name in enumerate(names)}
    found = np.asarray([-1 if value is None else code.get(value, len(names)) for value in text], dtype=np.int64)
    return _with_missing(found, [*names, OTHERS] if others else names)


def _with_missing(codes: "Array", names: list[str]) -> "tuple[Array, list[str]]":
    if (codes >= 0).all():
        return codes, names
    return np.where(codes < 0, len(names), codes), [*names, MISSING]


def _range(low: Any, high: Any) -> str:
    def said(value: Any) -> str:
        return f"{value:.6g}" if isinstance(value, float) else str(value)

    return said(low) if low == high else f"{said(low)} to {said(high)}"


def groups(rows: "pl.DataFrame", columns: Sequence[str]) -> "tuple[Array, list[list[str]]]":
    """The group of each row, and each group's value in each column; only groups that have rows."""
    parts = [levels(rows[name]) for name in columns]
    combined = np.zeros(rows.height, dtype=np.int64)
    for codes, names in parts:
        combined = combined * len(names) + codes
    present, found = np.unique(combined, return_inverse=True)
    values = []
    for code in present.tolist():
        said = []
        for _, names in reversed(parts):
            code, own = divmod(code, len(names))
            said.append(names[own])
        values.append(said[::-1])
    return found, values


def measured(
    rows: "pl.DataFrame", wanted: Sequence[Sequence[str]], fewest: int, score: "Callable[[Array], dict[str, Any]]"
) -> list[dict[str, Any]]:
    """Each wanted slicing: its slices with their rows and metrics (None where the rows are too few)."""
    found = []
    for columns in wanted:
        codes, values = groups(rows, columns)
        slices = []
        for code, said in enumerate(values):
            mine = np.flatnonzero(codes == code)
            metrics = score(mine) if len(mine) >= fewest else None
            slices.append({"values": said, "rows": len(mine), "metrics": metrics})
        found.append({"columns": list(columns), "slices": slices})
    return found


def worst(rows: "pl.DataFrame", columns: Sequence[str], errors: "Array", fewest: int, level: float) -> dict[str, Any]:
    """The slices by one and two columns whose mean error is most surely above that of the other rows.

    ``errors`` (n,) is a bounded error of each row. Every slice with ``fewest`` rows is looked at; the interval of the
    difference is Welch's, with the degrees of freedom of the slice alone (so far out a normal one is much too short for
    few rows), at a level that Bonferroni corrects for the number of slices looked at, and slices are ordered by its
    lower end. A slice varies no less than all rows do: where most rows err, few rows often show no right one. A slice
    inside one that is listed already is left out.
    """
    from scipy.special import stdtrit

    coded = {name: levels(rows[name]) for name in columns}
    singles = [(name,) for name in columns]
    found = [entry for names in singles for entry in _moments(names, coded, errors, fewest)]
    if len(columns) > MOST_PAIRED:
        order = sorted(found, key=lambda entry: -entry["mean"])
        columns = list(dict.fromkeys(entry["columns"][0] for entry in order))[:MOST_PAIRED]
    for pair in itertools.combinations(columns, 2):
        found += _moments(pair, coded, errors, fewest)
    looked_at = len(found)
    if not looked_at:
        return {"looked_at": 0, "level": level, "slices": []}
    n, total, squares = len(errors), float(errors.sum()), float((errors**2).sum())
    overall = max(squares / n - (total / n) ** 2, 0.0)
    for entry in found:
        own, rest = entry["rows"], n - entry["rows"]
        mean = (total - entry["mean"] * own) / rest
        spread = max((squares - entry.pop("squares")) / rest - mean**2, 0.0)
        far = float(stdtrit(min(own, rest) - 1, 1 - (1 - level) / 2 / looked_at))
        arm = far * float(np.sqrt(max(entry.pop("variance"), overall) / own + spread / rest))
        gap = entry["mean"] - mean
        entry |= {"rest": mean, "difference": gap, "low": gap - arm, "high": gap + arm}
    found.sort(key=lambda entry: (-entry["low"], entry["columns"], entry["values"]))
    shown: list[dict[str, Any]] = []
    for entry in found:
        mine = set(zip(entry["columns"], entry["values"], strict=True))
        if not any(mine > set(zip(other["columns"], other["values"], strict=True)) for other in shown):
            shown.append(entry)
        if len(shown) == SHOWN:
            break
    return {"looked_at": looked_at, "level": level, "slices": shown}


def _moments(
    names: Sequence[str], coded: "dict[str, tuple[Array, list[str]]]", errors: "Array", fewest: int
) -> list[dict[str, Any]]:
    combined, sizes = np.zeros(len(errors), dtype=np.int64), [len(coded[name][1]) for name in names]
    for name, size in zip(names, sizes, strict=True):
        combined = combined * size + coded[name][0]
    cells = int(np.prod(sizes))
    count = np.bincount(combined, minlength=cells)
    sums = np.bincount(combined, errors, minlength=cells)
    squares = np.bincount(combined, errors**2, minlength=cells)
    found = []
    for cell in np.flatnonzero((count >= fewest) & (len(errors) - count >= fewest)).tolist():
        own = [int(code) for code in np.unravel_index(cell, sizes)]
        values = [coded[name][1][code] for name, code in zip(names, own, strict=True)]
        if OTHERS in values:
            continue
        mean = float(sums[cell] / count[cell])
        found.append(
            {
                "columns": list(names),
                "values": values,
                "rows": int(count[cell]),
                "mean": mean,
                "squares": float(squares[cell]),
                "variance": max(float(squares[cell] / count[cell]) - mean**2, 0.0),
            }
        )
    return found
