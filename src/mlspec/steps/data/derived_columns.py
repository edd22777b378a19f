"""Derived columns, made of rows the same way before a split and when a model is asked."""

from collections.abc import Sequence
from typing import Any, TypeVar

import polars as pl

from mlspec.plugins.base import Column
from mlspec.sources import _cast

Frame = TypeVar("Frame", pl.LazyFrame, pl.DataFrame)


def derived(rows: "Frame", expressions: "Sequence[Sequence[str]]") -> "Frame":
    """The rows with these columns (name, expression, type) added, one after the other."""
    for name, text, kind in expressions:
        column: Any = Column(name, kind)  # type: ignore[arg-type]
        made = pl.sql_expr(text).cast(_cast.dtype(column))
        # Dividing by zero gives no number.
        rows = rows.with_columns((pl.when(made.is_finite()).then(made) if kind == "number" else made).alias(name))
    return rows
