"""Fits a preparation on training rows and applies it."""

from typing import TYPE_CHECKING

from mlspec.diagnostics import StepError
from mlspec.engine.job import Job

if TYPE_CHECKING:
    import polars as pl


def run(job: Job) -> None:
    """``train``, ``validation`` (and ``heldout``, of a fold) -> ``state`` (JSON) and the same, prepared, with
    ``__target__`` and, where rows have weights, ``__weight__``.

    Whatever is fitted is fitted on ``train``; the others are only passed through.
    """
    from mlspec.engine import preparation, results, tables

    state = preparation.fit(tables.scan(job.inputs["train"]), job.params, job.memory)
    results.write_json(job.outputs["state"], state)
    for part in (name for name in ("train", "validation", "heldout") if name in job.inputs):
        rows = tables.scan(job.inputs[part])
        if "weight" in state:
            check_weights(rows, state["weight"])
        if state["target"]["classes"] is not None and part != "train":
            preparation.target(rows.select(state["target"]["name"]).collect(), state)
        tables.write_batches(rows, lambda batch: preparation.apply(batch, state), job.outputs[part])
    if not state["outputs"]:
        raise StepError("no feature is left after the preparation")


def check_weights(frame: "pl.LazyFrame", name: str) -> None:
    """Raises StepError where a row's weight in the raw column ``name`` is missing, infinite or below zero, or all are
    zero."""
    import polars as pl

    weight = pl.col(name).cast(pl.Float64)
    bad = weight.is_null() | ~weight.is_finite()
    found = frame.select(bad.sum().alias("bad"), weight.min().alias("least"), weight.max().alias("most")).collect()
    bad_rows, least, most = found.row(0)
    if bad_rows:
        raise StepError(f"the weight '{name}' is missing or infinite in {bad_rows:,} rows")
    if least is not None and least < 0:
        raise StepError(f"the weight '{name}' is {least:g} in a row, a weight is at least 0")
    if most == 0:
        raise StepError(f"the weight '{name}' is 0 in every row")
