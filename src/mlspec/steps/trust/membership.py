"""Attacks the exported model: do its predictions reveal which rows it was trained on?"""

from typing import Any

import numpy as np

from mlspec.diagnostics import StepError
from mlspec.metrics._ranking import area_interval, placements
from mlspec.steps import results
from mlspec.steps.data import parquet
from mlspec.steps.job import Job
from mlspec.steps.serving import package

Array = np.ndarray[Any, Any]

ROWS = 5_000
SEED = 20_180_709


def run(job: Job) -> None:
    """``model`` (the package), ``train``, ``test`` (raw rows) -> ``membership``: the attack's ROC AUC with an interval.

    The attack takes the rows that the model answers best for its training rows (by the loss, Yeom and others 2018); of
    at most 5,000 rows of each side. 0.5: their losses are equal, nothing is revealed.
    """
    loaded = package.load(job.inputs["model"], job.device)
    random = np.random.default_rng(SEED)
    losses = [_losses(loaded, job.inputs[part], random) for part in ("train", "test")]
    if not all(len(side) for side in losses):
        raise StepError("there are no rows to attack the model with")
    member = np.concatenate([np.ones(len(losses[0]), np.int64), np.zeros(len(losses[1]), np.int64)])
    score = -np.concatenate(losses)
    level = job.params["confidence"]["level"]
    value, influences = placements(member == 1, score)
    ends = area_interval(value, influences, np.bincount(member), level)
    found = {"low": None, "high": None, "reason": ends} if isinstance(ends, str) else {"low": ends[0], "high": ends[1]}
    results.write_json(
        job.outputs["membership"],
        {"value": value, **found, "n": len(score), "level": level},
    )


def _losses(loaded: Any, path: Any, random: "np.random.Generator") -> "Array":
    """What the model's answer costs, row by row: minus the log of the right class's probability, or the square."""
    frame = parquet.scan(path)
    count = parquet.count(frame)
    chosen = np.arange(count) if count <= ROWS else np.sort(random.permutation(count)[:ROWS])
    rows = parquet.some(frame, chosen)
    truth, predicted = loaded.truth(rows), loaded.predict(rows)
    if predicted.ndim == 1:
        squared: Array = (predicted - truth) ** 2
        return squared
    right = predicted[np.arange(len(truth)), truth]
    logarithm: Array = -np.log(np.clip(right, 1e-12, 1.0))
    return logarithm
