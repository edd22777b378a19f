"""Puts the predictions of the rows that folds held out together: one for each row."""

import numpy as np
import polars as pl

from mlspec.steps import results
from mlspec.steps.data.fold import ROW
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``predictions.N``, ``rows.N`` (where each of them was before the folds) of each fold -> ``predictions``.

    Rows keep their order; where several repetitions held a row out, its predictions are averaged. A row that no fold
    held out has none.
    """
    numbers = sorted(int(name.removeprefix("rows.")) for name in job.inputs if name.startswith("rows."))
    places = [pl.read_parquet(job.inputs[f"rows.{number}"])[ROW].to_numpy() for number in numbers]
    paths = [job.inputs[f"predictions.{number}"] for number in numbers]
    truth, prediction = results.gathered(paths)
    groups = results.read_groups(paths)
    held, first, index = np.unique(np.concatenate(places), return_index=True, return_inverse=True)
    total = np.zeros((len(held), *prediction.shape[1:]))
    np.add.at(total, index, prediction)
    count = np.bincount(index, minlength=len(held))
    mean = total / count.reshape(-1, *([1] * (prediction.ndim - 1)))
    results.write_predictions(
        job.outputs["predictions"], mean, truth[first], groups=None if groups is None else groups[first]
    )
