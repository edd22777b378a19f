"""Fits a preparation on training rows and applies it."""

import functools

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.data import by_parts, parquet, preparation
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``train``, ``validation`` (and ``heldout``, of a fold) -> ``state`` (JSON) and the same, prepared, with
    ``__target__``.

    Whatever is fitted is fitted on ``train``; the others are only passed through.
    """
    if by_parts.gathered(job):
        return
    state = preparation.fit(parquet.scan(job.inputs["train"]), job.params, job.memory)
    results.write_json(job.outputs["state"], state)
    for part in (name for name in ("train", "validation", "heldout") if name in job.inputs):
        rows = parquet.scan(job.inputs[part])
        if state["target"]["classes"] is not None and part != "train":
            preparation.target(rows.select(state["target"]["name"]).collect(), state)
        fitted = part == "train" and preparation.supervised(state)
        rows = preparation.with_folds(rows) if fitted else rows
        change = functools.partial(preparation.apply, state=state, fitted=fitted)
        parquet.write_batches(rows, change, job.outputs[part], preparation.reads(rows, state, fitted=fitted))
    if not state["outputs"]:
        raise StepError("no features are left after the preparation")
