"""Columns that tell the target, and would not be there when a prediction is made: by exact evidence.

A feature that is merely strong is none: only what leaves (nearly) no row open counts.
"""

from typing import Any

import numpy as np
import polars as pl

from mlspec.diagnostics import printable
from mlspec.draft.afterwards import Leak
from mlspec.draft.table import NUMBERS, Seen
from mlspec.plugins.base import Task

Array = np.ndarray[Any, Any]

MOST_ROWS, MOST_CELLS, MOST_PAIRED = 20_000, 10_000_000, 60
LEFT, FEWEST, FEWEST_ORDERED = 0.005, 10, 500
EXACT, CLOSE = 1e-6, 1e-3
SHARE_EMPTY, FEW_WITH, PURE, COVERED, CLOSE_OF_SPREAD, MOST_RANGES = 0.02, 3, 0.98, 0.3, 0.05, 20


def measured(held: "pl.DataFrame", columns: "list[Seen]", target: str, task: Task) -> list[Leak]:
    """Columns that determine the target in the rows that are held."""
    rows = held.filter(pl.col(target).is_not_null())
    with_it = _with_target(held, columns, target)
    step = -(-rows.height // max(500, min(MOST_ROWS, MOST_CELLS // max(1, len(columns)))))
    rows = rows.gather_every(max(1, step))
    if rows.height < 30:
        return with_it
    if task != "regression":
        return [*with_it, *_of_classes(rows, columns, target), *_where_known(rows, columns, target)]
    truth = rows[target].cast(pl.Float64).to_numpy()
    if not np.isfinite(truth).all() or np.ptp(truth) == 0:
        return with_it
    with np.errstate(all="ignore"):  # of numbers near the largest, sums are infinite
        return [*with_it, *_of_numbers(rows, columns, target, truth)]


def _with_target(held: "pl.DataFrame", columns: "list[Seen]", target: str) -> list[Leak]:
    """Columns that have a value exactly where the target has one: both are known of the same rows, at the same time."""
    empty = held[target].is_null()
    without = int(empty.sum())
    least = max(FEWEST, SHARE_EMPTY * held.height)
    if not least <= without <= held.height - least:
        return []
    same = [c.name for c in columns if c.missing and int((held[c.name].is_null() != empty).sum()) <= LEFT * without]
    # More are a table that was joined.
    few = len(same) <= max(FEW_WITH, len(columns) // 3)
    found = [Leak((name,), f"it has a value exactly where '{target}' has one") for name in same if few]
    known = held.filter(~empty)
    one = [c.name for c in columns if c.distinct > 1 and not c.missing and known[c.name].n_unique() == 1]
    return found + [Leak((name,), f"it has one value in all rows with a '{target}'") for name in one]


def _where_known(rows: "pl.DataFrame", columns: "list[Seen]", target: str) -> list[Leak]:
    """Columns that have values for one class alone, or are missing for it alone, by more than chance."""
    classes = rows[target].cast(pl.String)
    shares = {str(value): count / rows.height for value, count in classes.value_counts().iter_rows()}
    found = []
    for column in columns:
        empty = rows[column.name].is_null()
        for side, text in ((~empty, "values"), (empty, "missing values")):
            some = int(side.sum())
            if not FEWEST <= some <= rows.height - FEWEST:
                continue
            value, count = classes.filter(side).value_counts(sort=True).row(0)
            share = shares[str(value)]
            # So many of one class by chance: less than once in a billion columns.
            if count >= PURE * some and some * np.log(share) < np.log(1e-9) and count >= COVERED * share * rows.height:
                why = f"{count:,} of its {some:,} {text} are where '{target}' is '{printable(str(value))}'"
                found.append(Leak((column.name,), why))
    return found


def _of_classes(rows: "pl.DataFrame", columns: "list[Seen]", target: str) -> list[Leak]:
    classes = rows[target].cast(pl.String).rank("dense").to_numpy().astype(np.int64) - 1
    counts = np.bincount(classes)
    # Rows that the most frequent class gets wrong: what a column has to explain.
    open_rows = int(len(classes) - counts.max())
    if open_rows < FEWEST:
        return []
    found = []
    for column in columns:
        cells = rows[column.name]
        codes = cells.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        distinct = int(codes.max(initial=0)) + 1
        if distinct <= max(len(counts), len(classes) // 10):
            table = np.zeros((distinct, len(counts)), np.int64)
            np.add.at(table, (codes, classes), 1)
            wrong = int(len(classes) - table.max(axis=1).sum())
            if wrong <= LEFT * open_rows:
                share = 1 - wrong / len(classes)
                why = (
                    f"each of its {int((table.sum(axis=1) > 0).sum())} values has one '{target}' ({share:.1%} of rows)"
                )
                found.append(Leak((column.name,), why))
        elif column.type in NUMBERS and open_rows >= FEWEST_ORDERED // 10 and len(classes) >= FEWEST_ORDERED:
            leak = _in_order(cells, classes, column.name, target, open_rows)
            found += [leak] if leak is not None else []
    return found


def _in_order(cells: "pl.Series", classes: "Array", name: str, target: str, open_rows: int) -> Leak | None:
    """Whether the classes lie one after the other in a number's order: a threshold tells them apart."""
    known = cells.is_not_null().to_numpy()
    if known.mean() < 0.99:
        return None
    order = np.argsort(cells.cast(pl.Float64).to_numpy()[known], kind="stable")
    changes = int(np.count_nonzero(np.diff(classes[known][order])))
    if changes <= len(np.unique(classes)) - 1 + LEFT * open_rows:
        return Leak((name,), f"a threshold on it tells '{target}' (area under the ROC curve 1.00)")
    return None


def _of_numbers(rows: "pl.DataFrame", columns: "list[Seen]", target: str, truth: "Array") -> list[Leak]:
    found, gone = [], set()
    spread = float(((truth - truth.mean()) ** 2).sum())
    numeric: dict[str, Array] = {}
    most = MOST_RANGES if len(np.unique(truth)) > MOST_RANGES else 0
    for column in columns:
        cells = rows[column.name]
        why = ""
        if column.type in NUMBERS:
            values = cells.cast(pl.Float64).to_numpy()
            if not np.isfinite(values).all() or np.ptp(values) == 0:
                continue
            numeric[column.name] = values
            why = _as_function(values, truth)
        if not why and 2 <= column.distinct <= max(2, len(truth) // 5):
            means = rows.select(
                (pl.col(target).cast(pl.Float64) - pl.col(target).cast(pl.Float64).mean().over(column.name))
                .pow(2)
                .sum()
            ).item()
            if means <= EXACT * spread and len(np.unique(truth)) > 2:
                why = f"each of its {column.distinct:,} values has one value of it"
        if why:
            found.append(Leak((column.name,), f"'{target}' follows from it: {printable(why)}"))
            gone.add(column.name)
        elif column.distinct <= most and not column.missing and _are_ranges(cells, truth):
            why = f"each of its {column.distinct:,} values has a range of '{target}'"
            found.append(Leak((column.name,), why, is_made_of_it=True))
    rest = {name: values for name, values in numeric.items() if name not in gone}
    return [*found, *(_pairs(rest, target, truth) or _sum(rest, target, truth))]


def _are_ranges(cells: "pl.Series", truth: "Array") -> bool:
    """Whether the values lie one after the other in the target's order: made of it by thresholds."""
    groups = pl.DataFrame({"group": cells.cast(pl.String), "truth": truth}).group_by("group")
    ranges = groups.agg(pl.len(), pl.min("truth").alias("least"), pl.max("truth").alias("most")).sort("least")
    apart = (ranges["most"].shift(1) < ranges["least"]).drop_nulls()
    return ranges.height > 1 and bool(apart.all()) and ranges["len"].sort()[-2] >= FEWEST


def _as_function(values: "Array", truth: "Array") -> str:
    """Whether one number is a straight line of the other, or both have one order."""
    linear = float(np.corrcoef(values, truth)[0, 1])
    if abs(linear) > 1 - EXACT:
        return "a linear function" if not np.array_equal(values, truth) else "the same numbers"
    ratio = values / truth
    middle = float(np.median(ratio[np.isfinite(ratio)])) if np.isfinite(ratio).any() else 0.0
    if len(np.unique(truth)) > 20 and middle and float((np.abs(ratio / middle - 1) <= CLOSE).mean()) >= PURE:
        return f"{1 / middle:.4g} times it in {(np.abs(ratio / middle - 1) <= CLOSE).mean():.1%} of the rows"
    order = np.argsort(values, kind="stable")
    steps, own = np.diff(truth[order]), np.diff(values[order])
    many = len(np.unique(truth)) > max(20, len(truth) // 20)
    one_way = bool((steps >= 0).all() or (steps <= 0).all())
    strict = bool(((own > 0) == (steps != 0)).all())
    return "a monotone function" if many and one_way and strict else ""


def _sum(numeric: "dict[str, Array]", target: str, truth: "Array") -> list[Leak]:
    """Several columns whose sum is the target, but for a constant."""
    names = sorted(numeric)
    if not 3 <= len(names) <= min(MOST_PAIRED, len(truth) // 3):
        return []
    table = np.column_stack([numeric[name] for name in names])
    centred = truth - truth.mean()
    weights = np.linalg.lstsq(table - table.mean(axis=0), centred, rcond=None)[0]
    used = np.abs(weights) > 0.5
    exact = (table[:, used] * np.sign(weights[used])).sum(axis=1)
    left = centred - (exact - exact.mean())
    small = np.abs(left) <= np.minimum(CLOSE * np.abs(truth) + EXACT, CLOSE_OF_SPREAD * truth.std())
    if used.sum() < 3 or not (np.abs(np.abs(weights[used]) - 1) < 0.1).all() or small.mean() < 0.999:
        return []
    return [Leak(tuple(name for name, one in zip(names, used, strict=True) if one), f"they sum up to '{target}'")]


def _pairs(numeric: "dict[str, Array]", target: str, truth: "Array") -> list[Leak]:
    """Two columns whose sum, difference or product is the target."""
    names = sorted(numeric, key=lambda name: -abs(float(np.corrcoef(numeric[name], truth)[0, 1])))[:MOST_PAIRED]
    near = CLOSE * np.abs(truth) + EXACT
    some = np.linspace(0, len(truth) - 1, min(len(truth), 40)).astype(np.int64)
    found: list[Leak] = []
    gone: set[str] = set()

    def same(made: "Array", at: "Array | slice") -> bool:
        return float((np.abs(made - truth[at]) <= near[at]).mean()) >= 0.999

    for first, one in enumerate(names):
        for other in names[first + 1 :]:
            if gone & {one, other}:
                continue
            a, b = numeric[one], numeric[other]
            for sign, text, make in (
                ("+", f"'{one}' + '{other}' = '{target}'", np.add),
                ("-", f"'{one}' - '{other}' = '{target}'", np.subtract),
                ("-", f"'{other}' - '{one}' = '{target}'", lambda x, y: y - x),
                ("*", f"'{one}' * '{other}' = '{target}'", np.multiply),
            ):
                if same(make(a[some], b[some]), some) and same(make(a, b), slice(None)):
                    # A sum of one column and something negligible is no sum.
                    parts = np.abs(a).mean(), np.abs(b).mean()
                    if sign != "*" and min(parts) <= CLOSE * np.abs(truth).mean():
                        continue
                    found.append(Leak((one, other), printable(text)))
                    gone |= {one, other}
                    break
    return found
