"""Reads a source into a typed table."""

from typing import cast

import msgspec

from mlspec import registry
from mlspec.engine.job import Job
from mlspec.plugin import Column, Source


def run(job: Job) -> None:
    """A file -> ``table`` (Parquet), with the columns and types that the spec and the first rows say.

    What is no number (NaN) is a missing one.
    """
    import polars as pl

    from mlspec.engine import tables

    name, settings = job.params["source"]
    source = cast(Source, msgspec.convert(settings, registry.plugin("sources", name)))
    columns = tuple(Column(column, kind) for column, kind in job.params["columns"])
    rows = source.scan(job.root, columns)
    numbers = [column.name for column in columns if column.type == "number"]
    tables.write(rows.with_columns(pl.col(numbers).fill_nan(None)) if numbers else rows, job.outputs["table"])
