"""Predicts the test rows with the one model, which a personalized one is held against."""

from mlspec.steps import results
from mlspec.steps.evaluation import decisions
from mlspec.steps.job import Job
from mlspec.steps.serving import package


def run(job: Job) -> None:
    """``model`` (the package of the one model), ``test`` -> ``predictions``, with its decisions."""
    loaded = package.load(job.inputs["model"], job.device)
    predicted, truth, _decided = loaded.predict_stored(job.inputs["test"])
    decided = None
    if loaded.about.threshold is not None:
        decided = decisions.decided(predicted, loaded.about.threshold)
    results.write_predictions(job.outputs["predictions"], predicted, truth, decided)
