"""Scores a candidate's predictions of the validation rows."""

from typing import cast

import msgspec

from mlspec import registry
from mlspec.engine.job import Job
from mlspec.plugin import Metric


def run(job: Job) -> None:
    """``predictions`` (or ``predictions.N`` of each fold), ``baseline.NAME`` where there are some -> ``metrics``."""
    from mlspec.engine import evidence, results

    metrics = [
        (name, cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name))))
        for name, settings in job.params["metrics"]
    ]
    truth, prediction = results.gathered(
        [path for name, path in job.inputs.items() if name == "predictions" or name.startswith("predictions.")]
    )
    baselines = {
        name.removeprefix("baseline."): results.read_predictions(path)[1]
        for name, path in sorted(job.inputs.items())
        if name.startswith("baseline.")
    }
    confidence = job.params["confidence"]
    measured = evidence.measure(
        metrics, truth, prediction, baselines, level=confidence["level"], resamples=confidence["resamples"]
    )
    results.write_json(job.outputs["metrics"], measured)
