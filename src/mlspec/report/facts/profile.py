"""Training rows -> what each column holds: missing, quantiles, frequent values, and the balance of the classes.

Values of columns that are sensitive, identify a row or are left out are never shown, nor those of fewer than ten rows;
of personal columns nothing is.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mlspec.report.facts.profile_facts import ClassBalance, ColumnProfile, CommonValue
from mlspec.report.facts.run import ColumnFact
from mlspec.report.page.image_sizes import sizes

if TYPE_CHECKING:
    import polars as pl

MOST_ROWS = 1_000_000
BINS = 10
COMMON, LEAST_ROWS = 5, 10
TOLD = ("feature", "target")
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_CLASSES = 20


def row_count(path: Path) -> int:
    """The rows of a table."""
    import polars as pl

    return int(pl.scan_parquet(path).select(pl.len()).collect().item())


def profiled(path: Path, columns: Sequence[ColumnFact], unseen: frozenset[str] = frozenset()) -> tuple[ColumnFact, ...]:
    """The columns with their profiles, ``unseen`` ones without; of more than a million rows, of every n-th."""
    import polars as pl

    table = pl.scan_parquet(path)
    rows = row_count(path)
    step = -(-rows // MOST_ROWS)
    if step > 1:
        table = table.gather_every(step)
        rows = -(-rows // step)
    schema = table.collect_schema()
    found = {}
    for column in columns:
        if column.name not in schema or not rows or column.name in unseen:
            continue
        if column.type == "image":
            found[column.name] = _images(table, column, rows)
        else:
            found[column.name] = _column(table.select(column.name).collect().to_series(), column)
    return tuple(msgspec.structs.replace(column, profile=found.get(column.name)) for column in columns)


def balance(parts: Mapping[str, Path], target: str) -> tuple[ClassBalance, ...]:
    """The target's classes, the most frequent first, with their rows in each part; empty for too many of them."""
    import polars as pl

    counts: dict[str, dict[str, int]] = {}
    for part, path in parts.items():
        seen = pl.scan_parquet(path).group_by(pl.col(target).cast(pl.String)).len().collect()
        for value, rows in seen.iter_rows():
            if value is not None:
                counts.setdefault(value, {})[part] = rows
    if len(counts) > MOST_CLASSES:
        return ()
    ordered = sorted(counts.items(), key=lambda entry: (-sum(entry[1].values()), entry[0]))
    return tuple(ClassBalance(value, {part: rows.get(part, 0) for part in parts}) for value, rows in ordered)


def _column(values: "pl.Series", column: ColumnFact) -> ColumnProfile:
    missing = values.null_count() / len(values)
    kept = values.drop_nulls()
    if column.role not in TOLD:
        return ColumnProfile(missing=missing, distinct=kept.n_unique())
    if not len(kept):
        return ColumnProfile(missing=missing, distinct=0)
    if kept.dtype.is_numeric():
        return _numbers(kept, missing)
    if kept.dtype.is_temporal():
        return ColumnProfile(missing=missing, distinct=kept.n_unique(), first=str(kept.min()), last=str(kept.max()))
    return _category(kept, missing)


def _images(table: "pl.LazyFrame", column: ColumnFact, rows: int) -> ColumnProfile:
    """Of pictures: how many are missing, how many differ, and how large they are."""
    import polars as pl

    cell = pl.col(column.name)
    seen = table.select(cell.null_count().alias("missing"), cell.drop_nulls().hash().n_unique().alias("distinct"))
    missing, distinct = seen.collect(engine="streaming").row(0)
    large = sizes(table, column.name) if column.role in TOLD else None
    return ColumnProfile(missing=missing / rows, distinct=distinct, images=large)


def _numbers(values: "pl.Series", missing: float) -> ColumnProfile:
    import numpy as np
    import polars as pl

    numbers = values.cast(pl.Float64).to_numpy()
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return ColumnProfile(missing=missing)
    try:
        bins, _ = np.histogram(numbers, bins=BINS)
    except ValueError:  # numbers so large that the edges of bins between them are no other floats
        bins, _ = np.histogram(numbers - numbers.min(), bins=BINS)
    return ColumnProfile(
        missing=missing,
        quantiles=tuple(float(value) for value in np.quantile(numbers, SHARES)),
        mean=float(numbers.mean()),
        bins=tuple(int(rows) for rows in bins),
    )


def _category(values: "pl.Series", missing: float) -> ColumnProfile:
    import polars as pl

    counted: Any = values.cast(pl.String).alias("value").value_counts()
    common = counted.sort(["count", "value"], descending=[True, False]).head(COMMON)
    return ColumnProfile(
        missing=missing,
        distinct=counted.height,
        common=tuple(CommonValue(value, rows) for value, rows in common.iter_rows() if rows >= LEAST_ROWS),
    )
