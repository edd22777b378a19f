"""Scores the selected model's predictions of the test rows, beside the baselines'."""

from mlspec.engine.job import Job
from mlspec.engine.work import evaluate


def run(job: Job) -> None:
    """``predictions``, ``baseline.NAME``... -> ``metrics``, as ``evaluate`` does."""
    evaluate.run(job)
