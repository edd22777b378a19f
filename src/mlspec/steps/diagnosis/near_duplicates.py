"""Rows of one part that occur, with small changes, among the training rows.

Cells are first made alike: text in one case and with single blanks, numbers to a hundredth of their column's spread
(on two grids that are half a cell apart, so that few pairs fall on either side of an edge in both). Two rows are near
when they agree in all columns but one at most: the sum of a row's hashed cells less one cell is the same for both. That
is linear in rows and columns, and every such pair is found.

Rows of few or coarse columns agree by chance. So it counts if more rows have a near duplicate than training rows have
among themselves, or when the agreement can't be chance: what it is worth is counted in bits, -log2 of how often each
shared value occurs in the training rows (Fellegi and Sunter 1969 weigh agreements of records so), minus information
that several columns share. Only numbers with decimals, times and long text that hardly occurs elsewhere count there:
categories depend on each other too much.
"""

import math
from typing import Any

import numpy as np
import polars as pl

from mlspec.steps.diagnosis.finding import Check
from mlspec.steps.diagnosis.matrix import matrix

Array = np.ndarray[Any, Any]

CELL = 0.01  # of a column's spread
BITS = 10.0  # one row in a thousand, beyond what picking one of the training rows takes
LONG = 40  # characters from which text that hardly occurs elsewhere is worth a bit each
SHARE = 0.01


def near(train: "pl.DataFrame", other: "pl.DataFrame", *, exact_is_told: bool) -> Check:
    """The check of rows that occur among the training rows with small changes; equal ones too, unless they are reported
    already.

    Both have the same columns. No value is shown: rows are shown by their numbers, columns by their names.
    """

    alike, natural = _twins(train, other, exact_is_told), _twins(train, train, exact_is_told)
    sure, share, usual = (float(part.mean()) if len(part) else 0.0 for part in (alike.sure, alike.any, natural.any))
    spread = math.sqrt(max(usual * (1 - usual), 1e-4) * (1 / max(1, len(other)) + 1 / max(1, len(train))))
    beyond = share - usual > max(SHARE, 4 * spread, 2.5 / max(1, len(other)))
    certain = sure > SHARE and int(alike.sure.sum()) >= 3
    shown, text = (alike.sure, sure) if certain and not beyond else (alike.any, share)
    return Check(
        check="near duplicates",
        measured=f"{text:.1%} of the rows also occur among the training rows, with small changes"
        + _example(shown, alike, train.columns),
        expected="only chance agreements" if certain and not beyond else f"about {usual:.1%}, as among training rows",
        fails=beyond or certain,
        advice="keep rows with the same origin together: data.split: {by: group, column: ...} "
        "on what they have in common, or remove duplicates before splitting",
    )


class _Alike:
    """Which rows have a near duplicate (``any``), one that is not chance (``sure``), which column differs, where it
    is."""

    def __init__(self, rows: int) -> None:
        self.any, self.sure = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
        self.column, self.twin = np.full(rows, -1), np.full(rows, -1)


def _twins(train: "pl.DataFrame", other: "pl.DataFrame", exact_is_told: bool) -> _Alike:
    """The near duplicates of the other rows; of training rows themselves where these are the others."""
    least = 2 if other is train else 1
    found = _Alike(len(other))
    # Chance has as many tries as there are training rows, grids, and columns to leave out.
    needed = math.log2(max(len(train), 2) * 2 * (train.width + 1)) + BITS
    shared = _shared(train)
    for grid in (0.0, 0.5):
        sums = np.zeros(len(train), np.uint64), np.zeros(len(other), np.uint64)
        known = np.zeros(len(other))
        for place, name in enumerate(train.columns):
            cells = _cells(train[name], other[name], place, grid)
            for whole, cell in zip(sums, cells, strict=True):
                whole += cell
            known += _bits(*cells, other[name])
        # All columns, then all but each; of a single column only itself. Cells are made once more rather than kept.
        for place in range(-1, train.width if train.width > 1 else 0):
            among, wanted, own = *sums, np.zeros(len(other))
            if place >= 0:
                name = train.columns[place]
                cells = _cells(train[name], other[name], place, grid)
                among, wanted = sums[0] - cells[0], sums[1] - cells[1]
                own = _bits(*cells, other[name])
            twin = _lookup(among, wanted, least)
            enough = known - own - shared[place + 1] >= needed
            fresh = (twin >= 0) & (~found.any | (enough & ~found.sure))
            found.column[fresh], found.twin[fresh] = place, twin[fresh]
            found.any |= twin >= 0
            found.sure |= (twin >= 0) & enough
    if exact_is_told:
        apart = _lookup(train.hash_rows(seed=0).to_numpy(), other.hash_rows(seed=0).to_numpy(), least) < 0
        found.any &= apart
        found.sure &= apart
    return found


def _example(shown: "Array", alike: _Alike, names: list[str]) -> str:
    if not shown.any():
        return ""
    first = int(np.flatnonzero(shown)[0])
    most = int(np.bincount(alike.column[shown] + 1, minlength=len(names) + 1).argmax())
    what = "in all columns" if most == 0 else f"in all but '{names[most - 1]}'"
    return f", most often {what} (row {first:,} and training row {alike.twin[first]:,} of those compared)"


def _cells(train: "pl.Series", other: "pl.Series", place: int, grid: float) -> "tuple[Array, Array]":
    """Hashes of the cells of a column, made alike, uint64 each."""
    if _is_fine(train.dtype):
        numbers = [s.to_physical().cast(pl.Float64).fill_nan(None) for s in (train, other)]
        size = _spread(numbers[0]) * CELL
        # Adding 0 makes one zero of two.
        made = [((s / size + grid).floor() + 0.0 if size > 0 else s).cast(pl.String) for s in numbers]
    elif train.dtype == pl.String:
        made = [s.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars() for s in (train, other)]
    else:
        made = [s.cast(pl.String) for s in (train, other)]
    first, second = (s.hash(seed=place + 1).to_numpy() for s in made)
    return first, second


def _is_fine(kind: "pl.DataType") -> bool:
    return kind.is_float() or kind.is_temporal()


def _spread(column: "pl.Series") -> float:
    """A standard deviation that outliers don't move, by the quartiles; the plain one where these are equal."""
    low, high = column.quantile(0.25), column.quantile(0.75)
    if low is not None and high is not None and high > low:
        return float(high - low) / 1.349
    plain = column.std()
    return float(plain) if isinstance(plain, int | float) and math.isfinite(plain) else 0.0


def _bits(train: "Array", other: "Array", column: "pl.Series") -> "Array":
    """What it is worth that a row's cell has its value, in bits (n,)."""
    if not _is_fine(column.dtype) and column.dtype != pl.String:
        return np.zeros(len(other))
    values, counts = np.unique(train, return_counts=True)
    at = np.minimum(np.searchsorted(values, other), max(len(values) - 1, 0))
    often = np.where(values[at] == other, counts[at], 0) if len(values) else np.zeros(len(other))
    if column.dtype == pl.String:
        length = column.str.len_chars().fill_null(0).to_numpy()
        return np.where((length >= LONG) & (often <= 2), length, 0.0)
    return np.asarray(np.log2((len(train) + 1) / (often + 1)))


def _shared(train: "pl.DataFrame") -> "Array":
    """The bits that fine columns share, because they are correlated: of all columns, then without each.

    That of normal variables with the columns' rank correlations, -1/2 log2 of their determinant.
    """
    fine = [place for place, kind in enumerate(train.dtypes) if _is_fine(kind)]
    few = train[:, fine].gather_every(max(1, len(train) // 4000))
    twice = np.zeros(train.width + 1)
    if len(fine) < 2 or len(few) < 3:
        return twice
    values = matrix(few, few[:0])[0]
    related = np.corrcoef(np.nan_to_num(values, nan=-1e30).argsort(axis=0).argsort(axis=0), rowvar=False)
    # A little on the diagonal, so that a column that repeats others has a finite, great share in common.
    inverse = np.linalg.inv(related + 1e-6 * np.eye(len(fine)))
    every = 0.5 * np.linalg.slogdet(inverse)[1] / math.log(2)
    twice[:] = every
    # The determinant without a column follows from the inverse (Cramer).
    twice[np.asarray(fine) + 1] = every - 0.5 * np.log2(np.diag(inverse))
    return twice


def _lookup(among: "Array", wanted: "Array", least: int) -> "Array":
    """The first place of each wanted value, -1 where it occurs fewer than so many times."""
    own = pl.DataFrame({"key": among}).with_row_index("at").group_by("key").agg(pl.col("at").min(), pl.len())
    own = own.filter(pl.col("len") >= least)
    joined = pl.DataFrame({"key": wanted}).join(own, on="key", how="left", maintain_order="left")
    return joined["at"].cast(pl.Int64).fill_null(-1).to_numpy()
