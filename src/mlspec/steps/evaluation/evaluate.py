"""Scores a candidate's predictions of the validation rows."""

from typing import Any, cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.evaluation import decisions, intervals
from mlspec.steps.job import Job

Array = np.ndarray[Any, Any]


def run(job: Job) -> None:
    """``predictions`` (or ``predictions.N`` of each fold; and ``decision``, where there is one) -> ``metrics``.

    Probabilities are scored as the model gives them: a recalibration fitted on these very rows would flatter them.
    """
    paths = [path for name, path in job.inputs.items() if name == "predictions" or name.startswith("predictions.")]
    truth, prediction = results.gathered(paths)
    if results.is_left_out(prediction):
        results.write_json(job.outputs["metrics"], _unmeasured(job, len(truth)))
        return
    decided, threshold = None, None
    if "decision" in job.inputs:
        decision = results.read_json(job.inputs["decision"])
        limit = decisions.by_group(decision, results.read_groups(paths))
        threshold = None if decision.get("groups") else decision["threshold"]
        if limit is not None:
            decided = decisions.decided(decisions.calibrated(prediction, decision["calibration"]), limit)
    results.write_json(job.outputs["metrics"], scored(job, truth, prediction, decided, threshold))


def _unmeasured(job: Job, rows: int) -> dict[str, Any]:
    """What ``metrics`` holds of a candidate that was not trained."""
    known = {"value": None, "low": None, "high": None, "level": job.params["confidence"]["level"], "n": rows}
    measured = {
        name: {**known, "greater_is_better": metric.greater_is_better, "reason": results.NO_TIME}
        for name, metric in stated(job)
    }
    return {"rows": rows, "metrics": measured, "baselines": {}, "differences": {}}


def scored(
    job: Job, truth: "Array", prediction: "Array", decided: "Array | None", threshold: float | None
) -> dict[str, Any]:
    """What ``metrics`` holds: every metric with its interval, beside the baselines among the job's inputs."""
    metrics = stated(job)
    baselines = {
        name.removeprefix("baseline."): results.read_predictions(path)[1]
        for name, path in sorted(job.inputs.items())
        if name.startswith("baseline.")
    }
    judged = {} if decided is None else {"": decided}
    for name in baselines if prediction.ndim == 2 else ():
        drawn = results.read_decided(job.inputs[f"baseline.{name}"], prediction.shape[1])
        if drawn is not None:
            judged[name] = drawn
    confidence = job.params["confidence"]
    measured = intervals.measure(
        metrics,
        truth,
        prediction,
        baselines,
        level=confidence["level"],
        resamples=confidence["resamples"],
        decided=judged,
    )
    for name, metric in metrics:
        if metric.decides and threshold is not None:
            measured["metrics"][name]["threshold"] = threshold
    return measured


def stated(job: Job) -> list[tuple[str, Metric]]:
    """The metrics that the params name."""
    return [
        (name, cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name))))
        for name, settings in job.params["metrics"]
    ]
