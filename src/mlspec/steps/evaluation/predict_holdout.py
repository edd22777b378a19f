"""Predicts the test rows with the selected model, as it will be used: from raw rows."""

from mlspec.steps import results
from mlspec.steps.job import Job
from mlspec.steps.serving import package


def run(job: Job) -> None:
    """``model`` (the package), ``test`` -> ``predictions``."""
    loaded = package.load(job.inputs["model"], job.device)
    results.write_predictions(job.outputs["predictions"], *loaded.predict_stored(job.inputs["test"]))
