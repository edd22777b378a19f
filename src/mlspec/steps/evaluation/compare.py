"""Compares candidates with the best one, row by row, on the validation rows."""

from pathlib import Path
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
    """``predictions.NAME`` (or ``predictions.NAME.FOLD`` of each fold; and ``decision.NAME``, where there is one) of
    each candidate -> ``differences``.

    ``{"metric", "best", "level", "rows", "candidates": {NAME: {"value", "low", "high", "error"}}}``: by how much the
    best one is better, with its paired interval and standard error. Raises StepError when the metric is not defined
    for any of them.
    """
    name, settings = job.params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    given = {}
    named: dict[str, list[Path]] = {}
    for key, path in sorted(job.inputs.items()):
        if key.startswith("predictions."):
            named.setdefault(key.split(".")[1], []).append(path)
    for candidate, paths in named.items():
        truth, prediction = results.gathered(paths)
        if metric.decides and f"decision.{candidate}" in job.inputs:
            decision = results.read_json(job.inputs[f"decision.{candidate}"])
            limit = decisions.by_group(decision, results.read_groups(paths))
            if limit is not None:
                prediction = decisions.calibrated(prediction, decision["calibration"])
                prediction = decisions.decided(prediction, limit)
        if not results.is_left_out(prediction):
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
    compared = {}
    for candidate in defined:
        apart = intervals.difference(metric, truth, given[best], given[candidate], **confidence)
        compared[candidate] = {
            "value": values[best] - values[candidate],
            **{end: apart[end] for end in ("low", "high", "error")},
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
