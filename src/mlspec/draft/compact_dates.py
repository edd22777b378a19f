"""Dates that are written as integers: 20240131."""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlspec.draft import words
from mlspec.draft.source import Opened
from mlspec.plugins.base import Schema
from mlspec.sources import _sniff

if TYPE_CHECKING:
    import polars as pl

FORM, EARLIEST, LATEST = "%Y%m%d", 1700_01_01, 2200_12_31


def stated(read: Opened, data: Path, columns: Schema) -> tuple[Opened, Schema]:
    """A source that states the dates which all rows of its integers are, by names and values, and its columns."""
    import polars as pl

    if read.kind != "csv":
        return read, columns
    names = [c.name for c in columns if c.type == "integer" and words.holds(c.name, words.DATES)]
    if not names:
        return read, columns
    rows = read.source.scan(Path(), tuple(c for c in columns if c.name in names))
    seen = rows.select(_are_dates(pl.col(name)).alias(name) for name in names).collect(engine="streaming")
    forms = {name: FORM for name in names if seen[name][0]}
    if not forms:
        return read, columns
    settings = {**read.settings, "dates": {**forms, **read.settings.get("dates", {})}}
    notes = (*read.notes, *(f"{name}: integers such as 20240131 are dates" for name in forms))
    source = _sniff.source(read.kind, str(data), settings)
    dated = tuple(replace(c, type="date", form=FORM) if c.name in forms else c for c in columns)
    return read._replace(source=source, settings=settings, notes=notes), dated


def _are_dates(cell: "pl.Expr") -> "pl.Expr":
    import polars as pl

    day = cell.cast(pl.String).str.to_date(FORM, strict=False)
    fits = cell.is_between(EARLIEST, LATEST) & day.is_not_null()
    return fits.all() & (cell.n_unique() > 1)
