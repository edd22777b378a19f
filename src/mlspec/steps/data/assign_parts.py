"""Says which rows of each part of the sources are training, validation and test rows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from mlspec.steps import results
from mlspec.steps.data import parquet, split
from mlspec.steps.job import Job

PART = "part"


def run(job: Job) -> None:
    """What ``split`` reads -> ``rows.NUMBER`` for each part (one column: 0 training, 1 validation, 2 test, -1 left
    out), ``starts`` (how many training rows are before each part) and ``report``.

    Only the columns that the split goes by are read, of all parts: the rows are divided as without parts.
    Raises StepError as ``split`` does.
    """
    frames, of_rows, report = split.chosen(job)
    del frames
    tables = [job.inputs[name] for name in sorted(job.inputs) if name.startswith("table.")]
    results.write_json(job.outputs["starts"], write(job, tables, np.concatenate(of_rows)))
    results.write_json(job.outputs["report"], report)


def write(job: Job, tables: Sequence[Path], chosen: "split.Array") -> dict[str, int]:
    """Write ``rows.NUMBER`` for each part of the tables, from the rows of all; how many training rows are before
    each."""
    starts, at, training = {}, 0, 0
    for number, file in enumerate((file for table in tables for file in parquet.files(table)), 1):
        rows = chosen[at : at + parquet.count(parquet.scan(file))]
        at += len(rows)
        pl.DataFrame({PART: rows}).write_parquet(job.outputs[f"rows.{number:05d}"])
        starts[f"{number:05d}"] = training
        training += int(np.count_nonzero(rows == 0))
    return starts
