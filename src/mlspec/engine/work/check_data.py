"""Checks raw rows before anything is fitted on them for long: duplicates, drift, labels, leaks."""

from typing import TYPE_CHECKING

import msgspec

from mlspec.engine.job import Job

if TYPE_CHECKING:
    import polars as pl


def run(job: Job) -> None:
    """``train``, ``other`` (validation rows, or test rows without their target) -> ``report``, ``verdict``.

    Raises StepError where something is wrong and the spec says that this stops the run.
    """
    from threadpoolctl import threadpool_limits

    from mlspec.engine import preparation, tables
    from mlspec.engine.debugging import data, report

    params = job.params
    features = params["features"]
    train = tables.scan(job.inputs["train"])
    rows = _few(train.select([*features, *([params["target"][0]] if params["labels"] else [])]), 60_000)
    other = _few(tables.scan(job.inputs["other"]).select(rows.columns), 20_000)
    target = other_target = None
    classes = 0
    if params["labels"]:
        known = preparation.describe_target(train, params)
        target, other_target = (preparation.target(frame, {"target": known}) for frame in (rows, other))
        classes = 0 if known["classes"] is None else len(known["classes"])
    with threadpool_limits(limits=job.threads):
        found = data.examine(rows.select(features), other.select(features), target, other_target, classes)
    if params["ordered"]:
        # Later rows differ from earlier ones: that is what a split by time is for.
        found = [msgspec.structs.replace(check, fails=False) if check.check == "drift" else check for check in found]
    report.finish(job, found)


def _few(frame: "pl.LazyFrame", most: int) -> "pl.DataFrame":
    """Evenly spread rows, in their order."""
    import numpy as np

    from mlspec.engine import tables

    count = tables.count(frame)
    return tables.some(frame, np.arange(0, count, max(1, -(-count // most))))
