"""Checks raw rows before anything is fitted on them for long: duplicates, drift, labels, leaks, what ties rows of one
part to those of another, and what a part lacks."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from mlspec.steps.data import parquet, preparation
from mlspec.steps.diagnosis import advice, classes, constant, data, leakage, media, report
from mlspec.steps.diagnosis.finding import Check
from mlspec.steps.job import Job

TRAIN_ROWS, OTHER_ROWS = 60_000, 20_000  # so many are looked at, of however many


def run(job: Job) -> None:
    """``train``, ``other`` (validation rows, or test rows of whose target only the values are counted) -> ``report``,
    ``verdict``.

    Raises StepError where something is wrong and the spec says that this stops the run.
    """
    params = job.params
    train = parquet.scan(job.inputs["train"])
    read = [*params["features"], *([params["target"][0]] if params["labels"] else [])]
    most = media.MOST_ROWS if media.columns(train.select(read)) else TRAIN_ROWS
    rows = _few(train.select(read), most)
    other = _few(parquet.scan(job.inputs["other"]).select(read), min(most, OTHER_ROWS))
    features = [name for name in rows.columns if name != params["target"][0] or not params["labels"]]
    target = other_target = None
    count = 0
    if params["labels"]:
        known = preparation.describe_target(train, params)
        target, other_target = (preparation.target(frame, {"target": known}) for frame in (rows, other))
        count = 0 if known["classes"] is None else len(known["classes"])
    whole = parquet.scan(job.inputs["other"])
    spec = msgspec.convert({"by": params["by"], **params.get("spec", {})}, advice.Spec)
    with threadpool_limits(limits=job.threads):
        found = data.examine(rows.select(features), other.select(features), target, other_target, count, spec)
        found += _parts(train, whole, params, spec)
        if "ids" in params:
            found.append(leakage.groups(train, whole, params["ids"]))
        if "moment" in params:
            found.append(leakage.future(train, whole, params["dates"], params["moment"], spec))
    unread = [*media.columns(train.select(params["features"])), *media.texts(rows.select(features))]
    if unread:
        # Small models see too little of an image, and nothing of a text, to judge the labels.
        text = f"; only little of {', '.join(repr(name) for name in unread)} was examined"
        found = [
            msgspec.structs.replace(check, fails=False, measured=check.measured + text)
            if check.check == "labels"
            else check
            for check in found
        ]
    if params["by"] == "time":
        # Later rows differ from earlier ones, and are of the same people: that is what a split by time is for.
        found = [msgspec.structs.replace(c, fails=False) if c.check in ("drift", "groups") else c for c in found]
    report.finish(job, found)


def _parts(train: "pl.LazyFrame", other: "pl.LazyFrame", params: dict[str, Any], spec: advice.Spec) -> Iterator[Check]:
    """What is missing in a part: classes, values of the target, and (once, of the training rows) of features."""
    target, part = params["target"][0], "validation" if params["labels"] else "test"
    if params["task"] == "regression":
        yield classes.values(other.select(target), part)
    else:
        yield classes.classes(train.select(target), other.select(target), part, params["by"])
    if params["labels"]:
        yield constant.constant(train.select(params["features"]), spec)


def _few(frame: "pl.LazyFrame", most: int) -> "pl.DataFrame":
    """Evenly spread rows, in their order."""
    count = parquet.count(frame)
    rows = parquet.some(frame, np.arange(0, count, max(1, -(-count // most)))).lazy()
    return media.summarised(rows).collect(engine="streaming" if media.columns(rows) else "auto")
