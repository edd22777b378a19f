"""Scores the selected model's predictions of the test rows, beside the baselines', in slices and between groups."""

import hashlib
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.metrics._intervals import proportion
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.evaluation import curves, decisions, evaluate, intervals, slices
from mlspec.steps.job import Job
from mlspec.steps.serving import package_format
from mlspec.steps.training import personalization
from mlspec.steps.trust import fairness

Array = np.ndarray[Any, Any]


def run(job: Job) -> None:
    """``predictions``, ``baseline.NAME``, ``model`` (the package, where it says how to decide), ``test`` (raw rows,
    where slices or groups are asked for) -> ``metrics``, with what else is known of these predictions."""
    truth, prediction = results.read_predictions(job.inputs["predictions"])
    about = package_format.read_about(job.inputs["model"]) if "model" in job.inputs else None
    threshold = None if about is None else about.threshold
    decided = None if threshold is None else decisions.decided(prediction, threshold)
    by_group = results.read_decided(job.inputs["predictions"], prediction.shape[1]) if prediction.ndim == 2 else None
    if by_group is not None:
        decided = by_group
    measured = evaluate.scored(job, truth, prediction, decided, None if by_group is not None else threshold)
    level = job.params["confidence"]["level"]
    _add_figures(job, measured, level)
    if prediction.ndim == 2:
        chosen = decisions.decided(prediction, threshold) if by_group is None else by_group
        measured["reliability"] = curves.reliability(truth, prediction, level)
        measured["decisions"] = curves.decisions(
            truth,
            prediction,
            chosen,
            threshold=threshold if by_group is None else None,
            abstain_below=None if about is None else about.abstain_below,
            costs=job.params.get("costs"),
            level=level,
        )
        if "fairness" in job.params:
            measured["fairness"] = _fairness(job, truth, chosen[:, 1] == 1)
    if "slices" in job.params:
        measured["slices"] = _slices(job, truth, prediction, decided)
    if "personalization" in job.params:
        measured["personalization"] = _personal(job, truth, prediction)
    if "worst_slice" in job.params:
        measured["worst_slice"] = _worst(job, truth, prediction)
    results.write_json(job.outputs["metrics"], measured)


def _add_figures(job: Job, measured: dict[str, Any], level: float) -> None:
    """Beside the baselines that predict: what people and the accepted run were measured at."""
    metrics = evaluate.stated(job)
    if "human" in job.params:
        human = job.params["human"]
        value, cases = human["value"], human["cases"]
        low, high = proportion(value * cases, cases, level) if cases is not None and 0 <= value <= 1 else (None, None)
        intervals.against_figures(
            measured, "human", {human["metric"]: {"value": value, "low": low, "high": high}}, metrics
        )
        if low is None:
            measured["notes"] = {"human": "the figure that people achieved is stated without the cases it rests on"}
    if "previous" in job.inputs:
        previous = results.read_json(job.inputs["previous"])
        intervals.against_figures(measured, "previous", previous["figures"], metrics)
        if previous["predictions"] == _digest(job):
            # The very same predictions of the same rows: there is no difference, for certain.
            same = {"value": 0.0, "low": 0.0, "high": 0.0}
            found = measured["differences"]["previous"]
            measured["differences"]["previous"] = {
                name: entry if entry["value"] is None else same for name, entry in found.items()
            }
        if previous["reason"] is not None:
            measured["notes"] = {**measured.get("notes", {}), "previous": previous["reason"]}


def _digest(job: Job) -> str:
    with open(job.inputs["predictions"], "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _slices(job: Job, truth: "Array", prediction: "Array", decided: "Array | None") -> list[dict[str, Any]]:
    metrics, confidence, wanted = evaluate.stated(job), job.params["confidence"], job.params["slices"]

    def score(mine: "Array") -> dict[str, Any]:
        found = intervals.measure(
            metrics,
            truth[mine],
            prediction[mine],
            {},
            level=confidence["level"],
            resamples=confidence["resamples"],
            decided=None if decided is None else {"": decided[mine]},
        )["metrics"]
        return {name: {end: metric[end] for end in ("value", "low", "high")} for name, metric in found.items()}

    rows = pl.read_parquet(job.inputs["test"], columns=sorted({name for columns in wanted for name in columns}))
    return slices.measured(rows, wanted, job.params["slice_rows"], score)


def _personal(job: Job, truth: "Array", prediction: "Array") -> dict[str, Any]:
    """The groups that have models of their own, held against the one model: all their rows together, and each."""
    name, settings = job.params["personalization"]["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    confidence = job.params["confidence"]
    about = package_format.read_about(job.inputs["model"])
    found: dict[str, Any] = {"metric": name, "greater_is_better": metric.greater_is_better, "groups_with_own": 0}
    nothing = {"own": None, "other": None, "value": None, "low": None, "high": None}
    if about.personal is None:
        return {**found, "rows": 0, "gain": nothing, "groups": []}
    key, groups = about.personal.key, about.personal.groups
    mine = personalization.labels(pl.read_parquet(job.inputs["test"], columns=[key])[key], about.personal.level)
    other = results.read_predictions(job.inputs["baseline.global"])[1]
    judged = intervals.judged(metric, {"own": prediction, "global": other}, about.threshold)

    def held(rows: "Array", among: int) -> dict[str, Any]:
        if not rows.any():
            return {"rows": 0, **nothing}
        gained = intervals.gain(
            metric, truth[rows], judged["own"][rows], judged["global"][rows], confidence, among=among
        )
        return {"rows": int(rows.sum()), **gained}

    each = {label: held(np.asarray((mine == label).fill_null(False)), len(groups)) for label in sorted(groups)}
    together = held(np.asarray(mine.is_in(list(groups)).fill_null(False)), 1)
    return {
        **found,
        "groups_with_own": len(groups),
        "rows": together.pop("rows"),
        "gain": together,
        "groups": [{"group": label, **figures} for label, figures in each.items()],
    }


def _worst(job: Job, truth: "Array", prediction: "Array") -> dict[str, Any]:
    columns = job.params["worst_slice"]
    rows = pl.read_parquet(job.inputs["test"], columns=columns)
    if prediction.ndim == 1:
        error, errors = "absolute error", np.abs(prediction - truth)
    else:
        happened = truth[:, None] == np.arange(prediction.shape[1])
        error, errors = "squared error of the probabilities", ((prediction - happened) ** 2).sum(axis=1) / 2
    level = job.params["confidence"]["level"]
    return {"error": error, **slices.worst(rows, columns, errors, job.params["slice_rows"], level)}


def _fairness(job: Job, truth: "Array", called: "Array") -> list[dict[str, Any]]:
    level, found = job.params["confidence"]["level"], []
    for asked in job.params["fairness"]:
        rows = pl.read_parquet(job.inputs["test"], columns=asked["group"])
        table = fairness.table(*slices.groups(rows, asked["group"]), truth, called)
        compared = fairness.compare(asked["metric"], table, asked["minimum_rows"], level)
        found.append({**asked, **compared, "level": level, "groups": table})
    return found
