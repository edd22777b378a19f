"""The true outcomes of served predictions: read as of a time, the last of each row, joined to the log."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mlspec.diagnostics import StepError
from mlspec.monitoring.errors import refused
from mlspec.monitoring.findings import LabelCounts
from mlspec.monitoring.part import US
from mlspec.plugins.base import Column, ColumnType
from mlspec.steps.data import raw_rows
from mlspec.steps.serving.reference import Reference

Array = np.ndarray[Any, Any]

MOST_ROWS = 5_000_000
KEY, ROW, TRUTH, TIME = "request_id", "row", "__truth__", "__known__"


class Labels(NamedTuple):
    """Labels by ``request_id`` and ``row``: ``__truth__`` (text of a class, or a number), ``__known__`` (the time, null
    where it is not stated), and the columns that say a row's group; with their counts."""

    rows: "pl.DataFrame"
    counts: LabelCounts


def read(path: str, reference: Reference, now: datetime) -> Labels:
    """The labels that are known at ``now``, of a table or of the folder that `mlspec serve --labels` writes. Raises
    SpecError where the file can't be read, or lacks a column."""
    if os.path.isdir(path):
        path = os.path.join(path, "*.parquet")
    source, columns, _notes = raw_rows.opened(path)
    have = {column.name: column.type for column in columns}
    said = reference.labels
    key = KEY if said is None else said.key
    time = None if said is None else said.time
    for name in (key, reference.target, *(() if time is None else (time,))):
        if name not in have:
            raise refused("bad-labels", f"the labels '{path}' have no column '{name}'", f"they have {', '.join(have)}")
    logged = {column.name for column in reference.columns}
    asked = {name for bound in reference.fairness for name in bound.group}
    asked |= {name for part in reference.slices for name in part.columns}
    groups = sorted(name for name in asked - logged if name in have)
    truth: ColumnType = "number" if reference.classes is None else "category"
    if truth == "category" and have[reference.target] in ("integer", "boolean"):
        truth = have[reference.target]  # in its own spelling
    wanted: dict[str, ColumnType] = {key: "category", **dict.fromkeys(groups, "category"), reference.target: truth}
    if time is not None:
        wanted[time] = "datetime"
    if ROW in have and ROW not in wanted:
        wanted[ROW] = "integer"
    schema = tuple(Column(name, kind) for name, kind in wanted.items())
    try:
        with raw_rows.reading(path, Path(), source):
            frame = source.scan(Path(), schema).head(MOST_ROWS + 1).collect()
    except StepError as error:
        raise refused("bad-labels", f"the labels '{path}' can't be read: {error}") from None
    if frame.height > MOST_ROWS:
        raise refused("bad-labels", f"the labels '{path}' have more than {MOST_ROWS:,} rows")
    known = pl.lit(None, US) if time is None else pl.col(time).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    row = pl.col(ROW) if wanted.get(ROW) == "integer" else pl.lit(0, pl.Int64)
    kind = pl.Float64 if reference.classes is None else pl.String
    frame = frame.select(
        pl.col(key).alias(KEY),
        row.fill_null(0).alias(ROW),
        pl.col(reference.target).cast(kind).alias(TRUTH),
        known.alias(TIME),
        *(pl.col(name).alias(f"input.{name}") for name in groups),
    )
    return _last(frame, reference, now)


def joined(rows: "pl.DataFrame", labels: Labels | None) -> "pl.DataFrame":
    """Rows of the log with ``__truth__`` and ``__known__``, null where there is no label; groups that the labels state
    and the log lacks are theirs."""
    if labels is None:
        kind = pl.String
        return rows.with_columns(pl.lit(None, kind).alias(TRUTH), pl.lit(None, US).alias(TIME))
    stated = [name for name in labels.rows.columns if name.startswith("input.")]
    found = rows.join(labels.rows, on=[KEY, ROW], how="left", maintain_order="left", suffix="__label__")
    both = [name for name in stated if f"{name}__label__" in found.columns]
    taken = [pl.coalesce(name, f"{name}__label__").alias(name) for name in both]
    return found.with_columns(taken).drop(f"{name}__label__" for name in both)


def _last(frame: "pl.DataFrame", reference: Reference, now: datetime) -> Labels:
    """The last label of each row, and how many there are of each kind."""
    later = frame.filter(pl.col(TIME) > now)
    frame = frame.filter((pl.col(TIME) <= now) | pl.col(TIME).is_null())
    fits = pl.col(TRUTH).is_not_null() & pl.col(KEY).is_not_null()
    if reference.classes is not None:
        fits &= pl.col(TRUTH).is_in(list(reference.classes))
    else:
        fits &= pl.col(TRUTH).is_finite()
    usable = frame.filter(fits.fill_null(False)).sort(TIME, nulls_last=False, maintain_order=True)
    values, rows = usable.select(KEY, ROW, TRUTH).n_unique(), usable.select(KEY, ROW).n_unique()
    if not usable.height:
        values = rows = 0
    counts = LabelCounts(
        rows=frame.height + later.height,
        later=later.height,
        unusable=frame.height - usable.height,
        duplicates=usable.height - values,
        corrected=values - rows,
    )
    return Labels(usable.unique([KEY, ROW], keep="last", maintain_order=True), counts)
