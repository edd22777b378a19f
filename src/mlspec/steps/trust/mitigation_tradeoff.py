"""Holds the mitigated model against one without mitigation, on the validation rows: what it costs, what it buys."""

from typing import Any

import numpy as np
import polars as pl

from mlspec.diagnostics import StepError
from mlspec.steps import results
from mlspec.steps.data import parquet
from mlspec.steps.evaluation import decisions, evaluate, intervals
from mlspec.steps.job import Job
from mlspec.steps.serving import package
from mlspec.steps.serving.package import Package
from mlspec.steps.training import refit
from mlspec.steps.trust import fairness
from mlspec.steps.trust.mitigation import groups, thresholds

Array = np.ndarray[Any, Any]

WITHOUT = "unmitigated"
BOUNDS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)


def run(job: Job) -> None:
    """``model`` (the package), ``train``, ``validation`` (raw), ``history.NAME`` -> ``tradeoff``.

    Metrics of both with intervals and paired differences; differences between groups and each group's rates, for both;
    and the curve of cost against difference over several bounds, where the method has one. Thresholds were chosen on
    these very rows, which flatters them; the test rows judge. Raises StepError where there are no validation rows.
    """
    params = job.params
    wanted = params["mitigation"]
    loaded = package.load(job.inputs["model"], job.device)
    rows = pl.read_parquet(job.inputs["validation"])
    if not rows.height:
        raise StepError("there are no validation rows to show the trade-off on")
    truth, after = loaded.truth(rows), loaded.predict(rows)
    calls = decisions.decided(after, loaded.limit(rows))
    before, calls_before = _without(job, loaded, rows, truth, after)
    confidence = params["confidence"]
    measured = intervals.measure(
        evaluate.stated(job),
        truth,
        after,
        {WITHOUT: before},
        level=confidence["level"],
        resamples=confidence["resamples"],
        decided={"": calls, WITHOUT: calls_before},
    )
    marks = rows.select(groups.label(wanted["group"])).to_series().to_numpy()
    level, fewest = confidence["level"], wanted["minimum_rows"]
    found = {
        "method": wanted["method"],
        "group": wanted["group"],
        "metric": wanted["metric"],
        "at_most": wanted["at_most"],
        "rows": rows.height,
        "level": level,
        "scores": [
            {
                "metric": name,
                "greater_is_better": score["greater_is_better"],
                "before": {"value": measured["baselines"][WITHOUT][name]},
                "after": {end: score[end] for end in ("value", "low", "high")},
                "gain": measured["differences"][WITHOUT][name],
            }
            for name, score in measured["metrics"].items()
        ],
        "before": _groups(truth, calls_before, marks, fewest, level),
        "after": _groups(truth, calls, marks, fewest, level),
        "curve": _curve(job, loaded, truth, after, marks),
        "thresholds": None if loaded.about.groups is None else loaded.about.groups.thresholds,
        "common_threshold": loaded.about.threshold,
        "kept": None,
    }
    if wanted["method"] == "constrained":
        found["kept"] = results.read_json(job.inputs[f"history.{loaded.about.candidate}"])["mitigation"]["kept"]
    results.write_json(job.outputs["tradeoff"], found)


def _without(
    job: Job, loaded: "Package", rows: "pl.DataFrame", truth: "Array", after: "Array"
) -> "tuple[Array, Array]":
    """The answers and decisions of the selected candidate without mitigation; of thresholds, the common one's."""
    params = job.params
    if params["mitigation"]["method"] == "thresholds":
        return after, decisions.decided(after, loaded.about.threshold)
    _truth, raw = refit.answers(
        job,
        loaded.about,
        parquet.scan(job.inputs["train"]),
        rows.lazy(),
        params["candidates"],
        job.scratch / "unmitigated",
        seed=params["seed"],
    )
    deciding = params["deciding"]
    method, mistakes = deciding.get("calibrate"), deciding.get("mistakes")
    calibration = None if method is None else decisions.fit_calibration(truth, raw, method)
    answer = decisions.calibrated(raw, calibration)
    threshold = None if mistakes is None else decisions.least_cost(truth, answer[:, 1], mistakes)["threshold"]
    return answer, decisions.decided(answer, threshold)


def _groups(truth: "Array", calls: "Array", marks: "Array", fewest: int, level: float) -> dict[str, Any]:
    """Each group's rates, and the differences by every measure."""
    names, codes = np.unique(marks.astype(str), return_inverse=True)
    table = fairness.table(codes, [[str(name)] for name in names], truth, calls[:, 1] == 1)
    compared = {
        metric: fairness.compare(metric, table, fewest, level)
        for metric in fairness.RATES
        if metric.endswith("difference")
    }
    return {
        "groups": table,
        "differences": {
            metric: {end: entry[end] for end in ("value", "low", "high")} for metric, entry in compared.items()
        },
    }


def _curve(job: Job, loaded: "Package", truth: "Array", after: "Array", marks: "Array") -> list[dict[str, Any]]:
    """What other bounds would have come to: ``{"bound", "difference", "cost"}``, cost per row of these rows."""
    wanted, method = job.params["mitigation"], job.params["mitigation"]["method"]
    if method == "constrained":
        history = results.read_json(job.inputs[f"history.{loaded.about.candidate}"])["mitigation"]
        found = [
            {"bound": None, "difference": one["difference"], "cost": one["error"]}
            for one in history["rounds"]
            if one["difference"] is not None and one["error"] is not None
        ]
        return sorted(found, key=lambda entry: (entry["difference"], entry["cost"]))
    if method != "thresholds":
        return []
    costs = job.params["deciding"].get("mistakes") or thresholds.EVEN
    common = loaded.about.threshold if loaded.about.threshold is not None else thresholds.COMMON
    names, codes = np.unique(marks.astype(str), return_inverse=True)
    curve = []
    for bound in sorted({*BOUNDS, wanted["at_most"]}):
        own = thresholds.search(
            truth,
            after[:, 1],
            marks,
            metric=wanted["metric"],
            at_most=bound,
            mistakes=costs,
            minimum_rows=wanted["minimum_rows"],
            common=common,
        )
        called = after[:, 1] >= thresholds.per_row(marks, own, common)
        table = fairness.table(codes, [[str(name)] for name in names], truth, called)
        compared = fairness.compare(wanted["metric"], table, wanted["minimum_rows"], 0.95)
        wrong = costs["false_positive"] * (called & (truth != 1)) + costs["false_negative"] * (~called & (truth == 1))
        curve.append({"bound": bound, "difference": compared["value"], "cost": float(wrong.mean())})
    return curve
