"""Rows that are checked: numbered, those that break an expectation, and those that are left out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mlspec.steps.data import expectations, parquet
from mlspec.steps.job import Job

SAMPLE = 5
SOURCE, ROW = "__source__", "__row__"


def numbered(path: Path, source: str) -> "pl.LazyFrame":
    """The rows of a table of that source, each with its place."""
    return parquet.scan(path).with_row_index(ROW).with_columns(pl.lit(source).alias(SOURCE))


def known(job: Job, asked: Mapping[str, Any]) -> "pl.Series | None":
    """The values that a reference to another source allows."""
    if "refers_to" not in asked:
        return None
    other = asked["refers_to"]
    column = parquet.scan(job.inputs[f"source.{other['source']}"]).select(other["column"]).unique()
    return column.collect(engine="streaming").to_series()


def sample(
    rows: "pl.LazyFrame", asked: Mapping[str, Any], allowed: "pl.Series | None", masked: Sequence[str]
) -> list[dict[str, Any]]:
    """A few of the rows that violate it, with hidden columns masked."""
    marks = list(expectations.marks(asked, allowed).values())
    if not marks:
        return []
    schema = rows.collect_schema()
    names = [name for name in schema.names() if name not in (SOURCE, ROW)]
    cells = {name: pl.col(name) for name in names}
    cells |= {n: pl.format("{} bytes", pl.col(n).bin.size()).alias(n) for n in names if schema[n] == pl.Binary}
    shown = [pl.lit(expectations.MASK).alias(name) if name in masked else cells[name] for name in names]
    few = rows.filter(pl.any_horizontal(marks)).head(SAMPLE).select(shown).collect()
    return [{name: plain(value) for name, value in row.items()} for row in few.iter_rows(named=True)]


def leave_out(job: Job, asked: Sequence[Mapping[str, Any]], rows: "pl.LazyFrame") -> None:
    """Write which rows are left out, and the rows themselves where they are to be kept aside."""
    marked = {"drop_rows": pl.lit(False), "quarantine": pl.lit(False)}
    for one in asked:
        if one.get("on_fail", "stop") != "stop" and "source" not in one:
            marks = expectations.marks(one, known(job, one)).values()
            marked[one["on_fail"]] = pl.any_horizontal(marked[one["on_fail"]], *marks)
    left = rows.filter(marked["drop_rows"] | marked["quarantine"]).select(SOURCE, ROW)
    parquet.write(left, job.outputs["dropped"])
    parquet.write(rows.filter(marked["quarantine"]).drop(ROW), job.outputs["quarantine"])


def plain(value: Any) -> Any:
    """What JSON has; of a measure what is the same in whatever order the rows are added up."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    return value if value is None or isinstance(value, bool | int | float | str | dict | list) else str(value)
