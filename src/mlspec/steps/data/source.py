"""Reads a source into a typed table."""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, cast

import msgspec
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.machine.file_digests import Digests, hash_file
from mlspec.plugins.base import Column
from mlspec.plugins.source import Source
from mlspec.sources import _columnar
from mlspec.spec import pinned
from mlspec.steps.data import anonymize, by_parts, parquet, table_digest
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """A file or a snapshot -> ``table`` (Parquet), with the columns and types that the spec and the first rows say.

    What is no number (NaN) is a missing one. Raises StepError where there are too few rows, and where what was read is
    not what the step's fingerprint means.
    """
    if by_parts.gathered(job):
        _demand_rows(job)
        return
    name, settings = job.params["source"]
    source = _source(job)
    personal = set(job.params.get("personal", ()))
    columns = tuple(
        Column(column, kind, "sensitive" if column in personal else "feature") for column, kind in job.params["columns"]
    )
    table = job.outputs["table"]
    numbers = [column.name for column in columns if column.type == "number"]
    treatments = None if job.params.get("treated") else job.params.get("treatments")

    def write(rows: pl.LazyFrame) -> None:
        if numbers:
            rows = rows.with_columns(pl.col(numbers).fill_nan(None))
        if treatments:
            rows = rows.with_columns(anonymize.treated(treatments))
        if _is_stored(name, settings, job.files):
            parquet.write_batches(rows, lambda some: some, table)
        else:
            parquet.write(rows, table)

    try:
        quick = source.quick(job.root, columns)
        try:
            write(source.scan(job.root, columns) if quick is None else quick)
        except (pl.exceptions.PolarsError, ValueError):
            if quick is None:
                raise
            # The slower way finds which value has the wrong type.
            write(source.scan(job.root, columns))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        if getattr(error, "errno", None) is not None:
            # The disk's own trouble, not the file's.
            raise
        _verify(job, source)
        # What the engine says of a value may show it.
        text = source.fault(job.root) or (type(error).__name__ if personal else _columnar.reason(error))
        raise StepError(f"{source.where()} can't be read: {text}") from None
    _verify(job, source)
    _demand_rows(job)


def _demand_rows(job: Job) -> None:
    least = job.params.get("minimum_rows")
    if least is not None:
        count = parquet.count(parquet.scan(job.outputs["table"]))
        if count < least:
            raise StepError(f"{_source(job).where()} has {count:,} rows, but at least {least:,} are required")


def _source(job: Job) -> Source:
    name, settings = job.params["source"]
    return cast(Source, msgspec.convert(settings, registry.plugin("sources", name)))


def _is_stored(name: str, settings: Mapping[str, Any], files: Iterable[str]) -> bool:
    """Whether rows can be read without reading all rows before them."""
    # Arrow files of others may be one compressed batch, which each look would unpack; our own are not.
    ours = set(settings) == {"path"} and pinned.is_snapshot(str(settings["path"]))
    return ours or name == "parquet" or {PurePath(file).suffix for file in files} == {".parquet"}


def _verify(job: Job, source: Source) -> None:
    """What was read is what was there when the step was planned: else its result would have a wrong name."""
    there = source.files(job.root)
    for name, expected in job.files.items():
        path = there.get(name)
        if path is None or not path.exists():
            raise StepError(f"{name} was removed while it was read")
        if expected == (Digests(None).of(path) if path.is_dir() else hash_file(path)):
            continue
        # A snapshot of rows is identified by its content.
        if not (pinned.is_snapshot(name) and expected == table_digest.digest(path)):
            raise StepError(f"{name} was changed while it was read; run again")
    more = sorted(there.keys() - job.files.keys())
    if more and job.files:
        raise StepError(f"{more[0]} was added while {source.where()} was read; run again")
