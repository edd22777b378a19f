"""Compares candidates with the best one, row by row, on the validation rows."""

from typing import cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.evaluation import decisions, intervals
from mlspec.steps.evaluation.select import unselectable
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``predictions.NAME`` (and ``decision.NAME``, where there is one) of each candidate -> ``differences``.

    ``{"metric", "best", "level", "rows", "candidates": {NAME: {"value", "low", "high", "error"}}}``: by how much the
    best one is better, the interval of that over bootstrap replicates of the rows (the same for all candidates), and
    its standard error, their standard deviation. Raises StepError when the metric is not defined for any of them.
    """
    name, settings = job.params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    given = {}
    for candidate in sorted(key.removeprefix("predictions.") for key in job.inputs if key.startswith("predictions.")):
        truth, prediction = results.read_predictions(job.inputs[f"predictions.{candidate}"])
        if metric.decides and f"decision.{candidate}" in job.inputs:
            decision = results.read_json(job.inputs[f"decision.{candidate}"])
            limit = decisions.by_group(decision, results.read_groups([job.inputs[f"predictions.{candidate}"]]))
            if limit is not None:
                prediction = decisions.calibrated(prediction, decision["calibration"])
                prediction = decisions.decided(prediction, limit)
        given[candidate] = prediction
    confidence, sign = job.params["confidence"], 1.0 if metric.greater_is_better else -1.0
    scores = {candidate: intervals.score(metric, truth, prediction) for candidate, prediction in given.items()}
    values = {candidate: np.nan if score is None else sign * score for candidate, score in scores.items()}
    defined = [candidate for candidate, value in values.items() if np.isfinite(value)]
    if not defined:
        if len(given) > 1:
            raise StepError(unselectable(name, intervals.undefined(truth, prediction)))
        defined = list(given)
    best = max(defined, key=lambda candidate: values[candidate])
    unknown = dict.fromkeys(given, np.full(1, np.nan))
    drawn = intervals.replicates(metric, truth, given, confidence["resamples"]) if len(truth) else unknown
    compared = {}
    for candidate in defined:
        apart = sign * (drawn[best] - drawn[candidate])
        low, high = intervals.percentiles(apart, confidence["level"])
        usable = apart[np.isfinite(apart)]
        compared[candidate] = {
            "value": values[best] - values[candidate],
            "low": low,
            "high": high,
            "error": float(usable.std(ddof=1)) if len(usable) > 1 else None,
        }
    results.write_json(
        job.outputs["differences"],
        {
            "metric": name,
            "best": best,
            "level": confidence["level"],
            "rows": len(truth),
            "candidates": compared,
        },
    )
