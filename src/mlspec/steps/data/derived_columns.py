"""Derived columns, made of rows the same way before a split and when a model is asked."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import polars as pl

from mlspec.plugins.base import Column
from mlspec.sources import _cast

Frame = TypeVar("Frame", pl.LazyFrame, pl.DataFrame)


def derived(rows: "Frame", expressions: "Sequence[Sequence[str]]") -> "Frame":
    """The rows with these columns (name, expression, type) added, one after the other."""
    return exactly(rows, lambda wide: _derived(wide, expressions)) if expressions else rows


def exactly(rows: "Frame", make: "Callable[[Frame], Frame]") -> "Frame":
    """What is made of the rows, integers without a sign held in 128 bits meanwhile: in 64 some results would wrap."""
    unsigned = [name for name, kind in rows.collect_schema().items() if kind == pl.UInt64]
    if not unsigned:
        return make(rows)
    made = make(rows.with_columns(pl.col(unsigned).cast(pl.Int128)))
    return made.with_columns(pl.col(unsigned).cast(pl.UInt64))


def _derived(rows: "Frame", expressions: "Sequence[Sequence[str]]") -> "Frame":
    types = rows.collect_schema()
    for name, text, kind in expressions:
        column: Any = Column(name, kind)  # type: ignore[arg-type]
        is_copy = types.get(text.strip().strip('"')) == pl.Int128
        made = pl.sql_expr(text).cast(pl.UInt64 if is_copy and kind == "integer" else _cast.dtype(column))
        # Dividing by zero gives no number.
        rows = rows.with_columns((pl.when(made.is_finite()).then(made) if kind == "number" else made).alias(name))
    return rows
