"""The labelled rows of a log that a new model is trained on, as a file that a source of the spec reads."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from mlspec.monitoring import joining
from mlspec.monitoring.labels import Labels
from mlspec.monitoring.log import Log
from mlspec.plugins.base import Schema
from mlspec.steps.serving.reference import Reference

MODEL, REQUEST, ROW, TIME, ANSWER = KEYS = "__model__", "__request__", "__row__", "__time__", "__answer__"
TYPES: dict[str, Any] = {
    "integer": pl.Int64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
    "date": pl.Date,
    "datetime": pl.Datetime("us"),
}


def labelled(reference: Reference, log: Log, labels: Labels, model: str) -> "pl.DataFrame":
    """The rows of a model that have a label, the oldest first."""
    rows = joining.table(reference, log, labels, groups=True)
    named = dict(zip(rows.columns[:4], (REQUEST, ROW, TIME, ANSWER), strict=True))
    return rows.rename(named).with_columns(pl.lit(model).alias(MODEL))


def boundary(times: "pl.Series", share: float) -> datetime | None:
    """The time after which the newest ``share`` of rows came; None where no row came before it."""
    ordered = np.sort(times.dt.replace_time_zone(None).to_physical().to_numpy())
    kept = len(ordered) - max(1, round(len(ordered) * share))
    if kept < 1:
        return None
    found = pl.Series([int(ordered[kept - 1])]).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    time = found.item()
    assert isinstance(time, datetime)
    return time


def together(tables: "Iterable[pl.DataFrame]") -> "pl.DataFrame":
    """The rows of several tables, the oldest first; of a row that is in several, the last."""
    whole = pl.concat(tables, how="diagonal_relaxed")
    return whole.unique([MODEL, REQUEST, ROW], keep="last", maintain_order=True).sort(TIME, maintain_order=True)


def as_source(rows: "pl.DataFrame", schema: Schema, time: str | None) -> "pl.DataFrame":
    """The rows with the columns of a source, in its order and types; what is not in the log is missing. ``time``: the
    column that gets the time of the request, where it is no feature."""
    made = []
    for column in schema:
        kind = TYPES.get(column.type, pl.String)
        if column.name in rows.columns:
            cell = pl.col(column.name).cast(kind, strict=False)
        elif column.name == time and column.type in ("date", "datetime"):
            cell = pl.col(TIME).dt.replace_time_zone(None).cast(kind)
        else:
            cell = pl.lit(None, kind)
        made.append(cell.alias(column.name))
    return rows.select(made)


def missing(schema: Schema, rows: "pl.DataFrame") -> list[str]:
    """The columns of a source that no row has a value of."""
    return [column.name for column in schema if rows.height and rows[column.name].null_count() == rows.height]
