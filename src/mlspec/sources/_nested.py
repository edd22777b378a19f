"""Cells that are more than one value: lists of numbers of one width become columns, others are left out with a hint."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from mlspec.diagnostics import StepError
from mlspec.machine.patterns import pattern
from mlspec.plugins.base import Column, Schema
from mlspec.sources import _bounds

if TYPE_CHECKING:
    import polars as pl

LOOKED_AT = 20  # cells of binary data
SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")  # of pixels.FORMATS
NO_VALUES = "it has no values"
NO_IMAGE = "it is binary data, but no image (PNG, JPEG, BMP, GIF, WEBP, TIFF): write it as numbers or text"
_PART = pattern(r"(.+)_(0|[1-9]\d*)$", re.DOTALL)


def unusable(kind: "pl.DataType") -> str:
    """What a type is that no model can use, and what can be done."""
    import polars as pl

    if kind == pl.Null:
        return NO_VALUES
    if isinstance(kind, pl.Struct):
        fields = ", ".join(field.name for field in kind.fields[:5]) + (", ..." if len(kind.fields) > 5 else "")
        return f"it is a struct ({fields}): write its fields as columns"
    if isinstance(kind, pl.Duration):
        return "it is a duration: write it as a number, for example of seconds"
    if kind == pl.Time:
        return "it is a time of day: write it as a number, for example of seconds"
    if isinstance(kind, pl.List | pl.Array):
        inner = kind.inner
        numeric = inner is not None and inner.is_numeric()
        what = "numbers" if numeric else "lists" if inner is not None and inner.is_nested() else "texts or dates"
        return f"it is a list of {what}: write a column for each value"
    return f"it is of type {kind}: write it as numbers or text"


def expanded(columns: Schema, frame: "pl.LazyFrame", rows: int | None) -> Schema:
    """The columns of a typed file after a look at its first ``rows`` (all for None): a list of numbers of one width is
    a column for each, ``NAME_0``, ``NAME_1`` and so on; binary data that is no image is ``other``."""
    have = frame.collect_schema()
    some = frame if rows is None else frame.head(rows)
    taken = {column.name for column in columns}
    found: list[Column] = []
    for column in columns:
        if column.type == "image":
            found.append(column if _is_image(frame, column.name) else Column(column.name, "other", hint=NO_IMAGE))
        elif column.type == "other" and is_list(have[column.name]):
            width, hint = _width(some, column.name, have[column.name])
            names = [f"{column.name}_{at}" for at in range(width)]
            twice = next((name for name in names if name in taken), None)
            if twice is not None:
                hint = f"its numbers would be columns such as '{twice}', which is there already: rename one of them"
            if hint:
                found.append(Column(column.name, "other", hint=hint))
            else:
                found += [Column(name, "number") for name in names]
        else:
            found.append(column)
    return tuple(found)


def is_list(kind: "pl.DataType") -> bool:
    """Whether cells are lists of numbers."""
    import polars as pl

    return isinstance(kind, pl.List | pl.Array) and kind.inner is not None and kind.inner.is_numeric()


def number_of(name: str, have: "Mapping[str, pl.DataType]") -> tuple[str, int] | None:
    """The list that a column is a number of, and at which place; None where there is none."""
    part = part_of(name)
    return part if part is not None and part[0] in have and is_list(have[part[0]]) else None


def part_of(name: str) -> tuple[str, int] | None:
    """The list and the place that a column's name means, if it is a number of a list."""
    match = _PART.fullmatch(name)
    return None if match is None else (match[1], int(match[2]))


def number(name: str, at: int, have: "Mapping[str, pl.DataType]") -> "tuple[pl.Expr, pl.DataType]":
    """The number of a list at a place, and its type."""
    import polars as pl

    kind = have[name]
    assert isinstance(kind, pl.List | pl.Array)
    cell = pl.col(name).list.get(at) if isinstance(kind, pl.List) else pl.col(name).arr.get(at)
    inner = kind.inner
    assert isinstance(inner, pl.DataType)
    return cell, inner


def demand_one_width(frame: "pl.LazyFrame", names: Collection[str], path: str) -> None:
    """Raises StepError where lists of these columns have several widths."""
    have = frame.collect_schema()
    for name in sorted(names):
        hint = _width(frame, name, have[name])[1]
        if hint:
            raise StepError(f"column '{name}' of {path} can't be used: {hint}")


def _width(frame: "pl.LazyFrame", name: str, kind: "pl.DataType") -> tuple[int, str]:
    """How many numbers each list has, and why that is of no use."""
    import polars as pl

    if isinstance(kind, pl.Array):
        width = kind.size
    else:
        length = pl.col(name).list.len()
        ends = frame.select(length.min().alias("least"), length.max().alias("most"))
        least, most = ends.collect(engine="streaming").row(0)
        width = least or 0
        if least != most:
            lengths = frame.select(length.alias("n")).with_row_index("row").filter(pl.col("n").is_not_null())
            first = lengths.head(1).collect().row(0)
            row, other = lengths.filter(pl.col("n") != first[1]).head(1).collect().row(0)
            return 0, differing(first[1], row + 1, other)
    if not width:
        return 0, "its lists are empty"
    return (width, "") if width <= _bounds.COLUMNS else (0, f"its lists have {width:,} numbers, too many for columns")


def differing(width: int, row: int, other: int) -> str:
    """That the lists of a column differ in length."""
    return f"its lists have length {width:,}, but {other:,} in row {row:,}: write lists of one length"


def _is_image(frame: "pl.LazyFrame", name: str) -> bool:
    """Whether one of the first cells is an image; so where there are none."""
    import polars as pl

    cells = frame.select(pl.col(name).bin.slice(0, 8)).head(LOOKED_AT).collect()[name].drop_nulls().to_list()
    return not cells or any(cell.startswith(SIGNATURES) for cell in cells)
