"""Fits what turns a candidate's probabilities into decisions: a recalibration, a threshold."""

from mlspec.diagnostics import StepError
from mlspec.engine.job import Job


def run(job: Job) -> None:
    """``predictions`` (of the validation rows) -> ``decision``: ``{"calibration", "threshold", "cost", "reason"}``.

    The threshold is chosen on the recalibrated probabilities. Raises StepError where there are no validation rows.
    """
    from mlspec.engine import decisions, results

    truth, prediction = results.read_predictions(job.inputs["predictions"])
    if not len(truth):
        raise StepError("there are no validation rows to choose a threshold or fit a recalibration on")
    method, mistakes = job.params.get("calibrate"), job.params.get("mistakes")
    calibration = None if method is None else decisions.fit_calibration(truth, prediction, method)
    found = {"threshold": None, "cost": None, "reason": None}
    if mistakes is not None:
        found = decisions.least_cost(truth, decisions.calibrated(prediction, calibration)[:, 1], mistakes)
    results.write_json(job.outputs["decision"], {**found, "calibration": calibration, "rows": len(truth)})
