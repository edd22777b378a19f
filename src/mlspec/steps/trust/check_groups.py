"""Looks at what the training rows say of groups of people."""

from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from mlspec.steps.data import parquet
from mlspec.steps.diagnosis import groups, media, report
from mlspec.steps.job import Job

ROWS = 200_000


def run(job: Job) -> None:
    """``train`` (raw rows) -> ``report``, ``verdict``. What is found is shown; it never ends a run."""
    params = job.params
    group, target = params["group"], params["target"]
    frame = parquet.scan(job.inputs["train"])
    text = frame.select([name for name in dict.fromkeys(params["features"]) if name not in (group, target)])
    most = media.MOST_ROWS if media.columns(text) else ROWS
    count = parquet.count(frame)
    places = np.arange(0, count, max(1, -(-count // most)))

    def values(chosen: "np.ndarray[Any, Any]") -> pl.DataFrame:
        return media.summarised(parquet.some(text, places[chosen]).lazy()).collect()

    if media.columns(text):
        missing = values(np.arange(len(places))).select(pl.all().is_null())
    else:
        missing = parquet.some(text.select(pl.all().is_null()), places)
    rows = parquet.some(frame.select(list(dict.fromkeys([group, target]))), places)
    with threadpool_limits(limits=job.threads):
        found = groups.examine(rows, missing, values, group, target, params["positive"])
    report.finish(job, found)
