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


def measured(held: "pl.DataFrame", columns: "list[Seen]", target: str, task: Task) -> list[Leak]:
    """Columns that determine the target in the rows that are held."""
    rows = held.filter(pl.col(target).is_not_null())
    step = -(-rows.height // max(500, min(MOST_ROWS, MOST_CELLS // max(1, len(columns)))))
    rows = rows.gather_every(max(1, step))
    if rows.height < 30:
        return []
    if task != "regression":
        return _of_classes(rows, columns, target)
    truth = rows[target].cast(pl.Float64).to_numpy()
    if not np.isfinite(truth).all() or np.ptp(truth) == 0:
        return []
    with np.errstate(all="ignore"):  # of numbers near the largest, sums are infinite
        return _of_numbers(rows, columns, target, truth)


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
    rest = {name: values for name, values in numeric.items() if name not in gone}
    return [*found, *_pairs(rest, target, truth)]


def _as_function(values: "Array", truth: "Array") -> str:
    """Whether one number is a straight line of the other, or both have one order."""
    linear = float(np.corrcoef(values, truth)[0, 1])
    if abs(linear) > 1 - EXACT:
        return "a linear function" if not np.array_equal(values, truth) else "the same numbers"
    order = np.argsort(values, kind="stable")
    steps, own = np.diff(truth[order]), np.diff(values[order])
    many = len(np.unique(truth)) > max(20, len(truth) // 20)
    one_way = bool((steps >= 0).all() or (steps <= 0).all())
    strict = bool(((own > 0) == (steps != 0)).all())
    return "a monotone function" if many and one_way and strict else ""


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
