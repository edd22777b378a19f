"""Fits what turns a candidate's probabilities into decisions: a recalibration, a threshold."""

from typing import Any

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.evaluation import decisions
from mlspec.steps.job import Job
from mlspec.steps.trust.mitigation import thresholds


def run(job: Job) -> None:
    """``predictions`` (of the validation rows) -> ``decision``: ``{"calibration", "threshold", "cost", "reason"}``.

    The threshold is chosen on the recalibrated probabilities. ``mitigation``: groups have thresholds of their own, in
    ``groups``. Raises StepError where there are no validation rows, or too few of groups.
    """
    truth, prediction = results.read_predictions(job.inputs["predictions"])
    if not len(truth):
        raise StepError("there are no validation rows to choose a threshold or fit a recalibration on")
    if results.is_left_out(prediction):
        none: dict[str, Any] = {"threshold": None, "cost": None, "calibration": None}
        results.write_json(job.outputs["decision"], {**none, "reason": results.NO_TIME, "rows": len(truth)})
        return
    method, mistakes = job.params.get("calibrate"), job.params.get("mistakes")
    calibration = None if method is None else decisions.fit_calibration(truth, prediction, method)
    found = {"threshold": None, "cost": None, "reason": None}
    if mistakes is not None:
        found = decisions.least_cost(truth, decisions.calibrated(prediction, calibration)[:, 1], mistakes)
    mitigation, own = job.params.get("mitigation"), {}
    if mitigation is not None and found["reason"] is None:
        groups = results.read_groups([job.inputs["predictions"]])
        assert groups is not None
        common = found["threshold"] if found["threshold"] is not None else thresholds.COMMON
        score = decisions.calibrated(prediction, calibration)[:, 1]
        asked = {key: mitigation[key] for key in ("metric", "at_most", "minimum_rows")}
        costs = mistakes or thresholds.EVEN
        chosen = thresholds.search(truth, score, groups, **asked, mistakes=costs, common=common)
        if not chosen:
            few = f"fewer than two groups have {mitigation['minimum_rows']} validation rows or more"
            raise StepError(f"no thresholds can bound '{mitigation['metric']}': {few}")
        own = {"groups": {"thresholds": chosen}, "threshold": common}
    results.write_json(job.outputs["decision"], {**found, **own, "calibration": calibration, "rows": len(truth)})
