"""Applies a fitted preparation to one part of the rows."""

import polars as pl

from mlspec.steps import results
from mlspec.steps.data import parquet, preparation
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``state``, ``train``, ``validation`` and ``heldout`` (of the part, those that are asked for) -> the same,
    prepared, with ``__target__``; ``starts`` where the preparation looks at the target. Where there is no state, tables
    without columns.

    ``fitted``: the rows that the preparation was fitted on, the training rows where it isn't said. Raises StepError for
    another row of a class that none of these has.
    """
    state = results.read_json(job.inputs["state"])
    fitted_on = job.params.get("fitted", ["train"])
    for part in job.outputs:
        if state is None:
            pl.DataFrame().write_parquet(job.outputs[part])
            continue
        rows = parquet.scan(job.inputs[part])
        if state["target"]["classes"] is not None and part not in fitted_on:
            preparation.target(rows.select(state["target"]["name"]).collect(), state)
        fitted = part in fitted_on and preparation.supervised(state)
        if fitted:
            starts = results.read_json(job.inputs["starts"])
            place = job.params["place"]
            rows = preparation.with_folds(rows, starts[place] if len(fitted_on) == 1 else starts[part][place])

        def change(piece: "pl.LazyFrame", fitted: bool = fitted) -> "pl.LazyFrame":
            return preparation.apply(piece, state, fitted=fitted)

        parquet.write_alike(rows, change, job.outputs[part], preparation.reads(rows, state, fitted=fitted))
