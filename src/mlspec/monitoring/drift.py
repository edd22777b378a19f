"""How far a window's rows differ from the test rows, less what chance gives a window of its size.

Without drift the population stability index (PSI) of n rows against m rows in k cells averages (k - 1) (1/n + 1/m), and
PSI / (1/n + 1/m) is about chi-squared with k - 1 degrees of freedom, noncentral where there is drift. The interval of
the true PSI is read from that; a window fails where all of it is above the bound. Intervals hold for all columns and
bounds at once (Bonferroni), so that undisturbed windows fail no more often than stated.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl

from mlspec.metrics._intervals import proportion, total
from mlspec.monitoring.findings import Finding
from mlspec.plugins.verdict import decide
from mlspec.spec.operation.monitor import DriftBounds
from mlspec.steps.serving.reference import ColumnSketch, Levels, Numbers, Reference, mark

Array = np.ndarray[Any, Any]

EXPECTED = 5.0  # rows of a cell below which the distribution of its count is not near a normal one
FLOOR = 0.5  # rows added to every cell
LARGEST = 2000.0  # statistic above which the noncentral distribution is taken as normal
DATES = ("date", "datetime")
Judge = Callable[[float], Finding]


def psi(before: "Array", now: "Array", tail: float) -> tuple["Array", "Array", "Array"]:
    """The PSI of windows (w, k) against a reference (k,) of counts, less its chance level, with the ends of its
    interval; each end is wrong with probability ``tail``. NaN where fewer than two cells are left.

    Cells in which fewer than 5 rows are to be expected are joined with the next ones (``joined``) by the caller.
    """
    windows, k = now.shape
    if k < 2:
        return (np.full(windows, np.nan),) * 3
    n, m = now.sum(axis=1), float(before.sum())
    p = (before + FLOOR) / (m + FLOOR * k)
    q = (now + FLOOR) / (n + FLOOR * k)[:, None]
    found = ((q - p) * np.log(q / p)).sum(axis=1)
    noise = 1 / np.maximum(n, 1) + 1 / m
    low, high = _noncentral(found / noise, k - 1, tail)
    value = np.maximum(found - (k - 1) * noise, 0.0)
    return value, np.minimum(low * noise, value), np.maximum(high * noise, value)


def _noncentral(statistic: "Array", freedom: int, tail: float) -> tuple["Array", "Array"]:
    """The ends of the interval of a noncentrality."""
    from scipy.special import chndtr, chndtrinc, ndtri

    z = -float(ndtri(tail))
    middle = np.maximum(statistic - freedom, 0.0)
    arm = z * np.sqrt(2 * (freedom + 2 * middle))
    ends = []
    for sign, share in ((-1, 1 - tail), (1, tail)):
        normal = np.maximum(middle + sign * arm, 0.0)
        some = np.minimum(statistic, LARGEST)
        exact = np.where(chndtr(some, freedom, 0.0) < share, 0.0, chndtrinc(some, freedom, share))
        ends.append(np.where((statistic > LARGEST) | ~np.isfinite(exact), normal, exact))
    return ends[0], ends[1]


def joined(before: "Array", n: int, *, ordered: bool) -> "Array":
    """For each cell of a reference (k,) the number of the cell that it is part of (k,), so that at least 5 of ``n``
    rows, and of the reference's own, are to be expected in each. Categories that are too rare are one cell."""
    m = float(before.sum())
    expected = before / max(m, 1.0) * min(n, m)
    if not ordered:
        rare = expected < EXPECTED
        if not rare.any():
            return np.arange(len(before))
        rare |= (expected == expected[~rare].min(initial=np.inf)) & (expected[rare].sum() < EXPECTED)
        cells = np.cumsum(~rare) - 1
        return np.where(rare, (~rare).sum(), cells)
    cells, at, room = np.zeros(len(before), dtype=np.int64), 0, 0.0
    for index, rows in enumerate(expected):
        cells[index] = at
        room += rows
        if room >= EXPECTED:
            at, room = at + 1, 0.0
    if room < EXPECTED and at > 0:
        cells[cells == at] = at - 1
    return cells


def counted(column: Numbers | Levels, values: "pl.Series") -> "tuple[Array, Array]":
    """The cells of a sketch (k,), and of a window's values (k,), missing ones left out."""
    known = values.drop_nulls()
    if isinstance(column, Numbers):
        cells = np.searchsorted(np.asarray(column.edges), known.to_numpy())
        return np.asarray(column.counts), np.bincount(cells, minlength=len(column.counts))
    found = dict(known.value_counts().iter_rows())
    own = [found.get(value, 0) for value in column.values]
    return np.asarray([*column.counts, column.others]), np.asarray([*own, len(known) - sum(own)])


def together(cells: "Array", before: "Array", now: "Array") -> "tuple[Array, Array]":
    """Counts by the cells that they are part of: the reference (k,) and windows (w, k)."""
    k = int(cells.max(initial=-1)) + 1
    into = np.eye(k)[cells] if k else np.zeros((len(before), 0))
    return before @ into, now @ into


def judged(
    reference: Reference, bounds: DriftBounds, rows: "pl.DataFrame", present: frozenset[str], rate: float
) -> list[Finding]:
    """Every bound on drift. ``rows``: the window, with ``input.NAME``, ``score`` and ``prediction``; ``present``: the
    columns that the log has; ``rate``: the largest share of undisturbed windows that may fail."""
    asked: list[Judge] = []
    for column in reference.columns:
        asked += _of_column(column, bounds, rows, f"input.{column.name}" in present)
    if bounds.prediction is not None:
        most = bounds.prediction.at_most
        asked.append(_psi("drift.prediction", "score", reference.scores, rows["score"], most))
        if reference.predicted is not None:
            classes = rows["prediction"].cast(pl.String)
            asked.append(_psi("drift.prediction", "predicted class", reference.predicted, classes, most))
    tail = rate / max(len(asked), 1)
    return [ask(tail) for ask in asked]


def _of_column(column: ColumnSketch, bounds: DriftBounds, rows: "pl.DataFrame", present: bool) -> list[Judge]:
    found: list[Judge] = []
    name = f"input.{column.name}"
    values = rows[name] if present else pl.Series([], dtype=pl.Null)
    levels, numbers = column.levels, column.numbers
    n, known = len(values), values.drop_nulls()
    sketch = numbers if numbers is not None else levels
    moves = column.type in DATES  # they move on by themselves
    if bounds.psi is not None and sketch is not None and not moves:
        found.append(_psi("drift.psi", column.name, sketch, values, bounds.psi.at_most, present=present))
    if bounds.missing is not None:
        most, count = bounds.missing.at_most, n - len(known)
        found.append(lambda tail: _rise(column, count, n, most, tail, present))
    if bounds.unseen is not None and levels is not None and levels.known is not None:
        most_unseen = bounds.unseen.at_most
        new = _unseen(levels, levels.known, known)
        said = f": {', '.join(repr(one) for one in sorted(new.unique().to_list())[:3])}" if len(new) else ""
        found.append(
            lambda tail: _share("drift.unseen", column.name, len(new), n, most_unseen, tail, f"unseen{said}", present)
        )
    if bounds.out_of_range is not None and numbers is not None and numbers.low is not None and not moves:
        most_outside, low, high = bounds.out_of_range.at_most, numbers.low, numbers.high
        outside = int(((known < low) | (known > high)).sum()) if n else 0
        what = f"outside {low:g} to {high:g}"
        found.append(
            lambda tail: _share("drift.out_of_range", column.name, outside, n, most_outside, tail, what, present)
        )
    return found


def _unseen(levels: Levels, marks: Sequence[str], known: "pl.Series") -> "pl.Series":
    """The values that are neither listed nor marked."""
    if not len(known):
        return known
    rest = known.filter(~known.is_in(list(levels.values)))
    seen = frozenset(marks)
    return rest.filter(rest.is_in([value for value in rest.unique().to_list() if mark(value) not in seen]))


def _psi(
    monitor: str, subject: str, sketch: Numbers | Levels, values: "pl.Series", most: float, *, present: bool = True
) -> Judge:
    def judge(tail: float) -> Finding:
        if not present:
            return _absent(monitor, subject, most)
        before, now = counted(sketch, values)
        n = int(now.sum())
        cells = joined(before, n, ordered=isinstance(sketch, Numbers))
        before, now = together(cells, before, now[None, :])
        value, low, high = (float(part[0]) for part in psi(before, now, tail))
        if math.isnan(value):
            reason = f"{n:,} rows are too few to compare" if n < 2 * EXPECTED else "the test rows have one value"
            return Finding(monitor=monitor, subject=subject, verdict="unknown", n=n, threshold=most, reason=reason)
        return _by_ends(monitor, subject, value, low, high, n, most, f"PSI {value:.3f} above chance")

    return judge


def _rise(column: ColumnSketch, count: int, n: int, most: float, tail: float, present: bool) -> Finding:
    if not present:
        return _absent("drift.missing", column.name, most)
    if not n or not column.rows:
        return Finding(monitor="drift.missing", subject=column.name, verdict="unknown", reason="there are no rows")
    level, before = 1 - 2 * tail, column.missing / column.rows
    parts = (
        (1.0, count / n, proportion(count, n, level)),
        (-1.0, before, proportion(column.missing, column.rows, level)),
    )
    low, high = total(parts)
    text = f"{count / n:.1%} missing, {before:.1%} of the test rows"
    return _by_ends("drift.missing", column.name, count / n - before, low, high, n, most, text)


def _share(
    monitor: str, subject: str, count: int, n: int, most: float, tail: float, what: str, present: bool
) -> Finding:
    if not present:
        return _absent(monitor, subject, most)
    if not n:
        return Finding(monitor=monitor, subject=subject, verdict="unknown", threshold=most, reason="there are no rows")
    low, high = proportion(count, n, 1 - 2 * tail)
    return _by_ends(monitor, subject, count / n, low, high, n, most, f"{count / n:.1%} {what}")


def _by_ends(
    monitor: str, subject: str, value: float, low: float, high: float, n: int, most: float, text: str
) -> Finding:
    return Finding(
        monitor=monitor,
        subject=subject,
        verdict=decide(low, high, most, at_least=False),
        value=value,
        low=low,
        high=high,
        n=n,
        threshold=most,
        reason=f"{text}, interval {low:.3g} to {high:.3g} over {n:,} rows",
    )


def _absent(monitor: str, subject: str, most: float) -> Finding:
    reason = "the log does not have this column"
    return Finding(monitor=monitor, subject=subject, verdict="unknown", threshold=most, reason=reason)


def names(findings: Sequence[Finding]) -> str:
    """The subjects of failing bounds, to read."""
    return ", ".join(dict.fromkeys(one.subject for one in findings if one.verdict == "fail"))
