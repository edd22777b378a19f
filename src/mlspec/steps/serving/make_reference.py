"""Sketches the test rows and their predictions, for monitoring: distributions, metrics, groups.

Rare categories are not named: monitoring knows them by a mark. Of a personal column there is none, and no range, and
the edges of its histogram are rounded.
"""

import math
from collections.abc import Collection
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.data import parquet
from mlspec.steps.evaluation import curves, decisions, estimated, slices
from mlspec.steps.job import Job
from mlspec.steps.serving import package_format
from mlspec.steps.serving.package_format import About
from mlspec.steps.serving.reference import (
    MOST_COLUMNS,
    MOST_SLICES,
    VERSION,
    ColumnSketch,
    Levels,
    MetricSketch,
    Numbers,
    SliceSketch,
    mark,
)
from mlspec.steps.trust import fairness

Array = np.ndarray[Any, Any]

DECILES = tuple(step / 10 for step in range(1, 10))
MOST_VALUES = 50
MOST_KNOWN = 1000
FEWEST = 10  # rows of a category, or of a group, that is named
LONGEST = 200  # characters of a category
DIGITS = 3  # of an edge in a personal column


def run(job: Job) -> None:
    """``model`` (the package), ``train``, ``test`` (raw rows), ``predictions`` and ``metrics`` of the test rows ->
    ``reference``.

    The range of numbers and the list of all categories are of training and test rows, everything else is of test rows
    alone.
    """
    about = package_format.read_about(job.inputs["model"])
    test, train = parquet.scan(job.inputs["test"]), parquet.scan(job.inputs["train"])
    have = test.collect_schema()
    reads = [(name, kind) for name, kind in about.reads() if kind != "image" and name in have]
    personal = frozenset(job.params["personal"])
    columns = [_column(test, train, name, kind, name in personal) for name, kind in reads[:MOST_COLUMNS]]
    truth, prediction = results.read_predictions(job.inputs["predictions"])
    measured = results.read_json(job.inputs["metrics"])
    level = job.params["confidence"]["level"]
    # Quarters of a number are named by their ends, which are values of single rows.
    ends = {name for name in personal if name in have and (have[name].is_numeric() or have[name].is_temporal())}
    found: dict[str, Any] = {
        "version": VERSION,
        "candidate": about.candidate,
        "task": about.task,
        "target": about.target,
        "target_type": about.target_type,
        "classes": about.classes,
        "rows": len(truth),
        "columns": columns,
        "left_out": len(reads) - len(columns),
        "scores": numbers(estimated.score(prediction)),
        "slices": _slices(measured, ends),
        "slice_rows": job.params["slice_rows"],
        "level": level,
        "resamples": job.params["confidence"]["resamples"],
        "metrics": _metrics(job, about, prediction, measured),
        **job.params["operation"],
    }
    if about.classes is not None:
        decided = _decided(job, about, prediction)
        counts = np.bincount(decided.argmax(axis=1), minlength=len(about.classes)).tolist()
        found["predicted"] = Levels(about.classes, tuple(counts), 0, ())
        found["calibration"] = curves.reliability(truth, prediction, level) if len(truth) else []
        if job.params["fairness"]:
            found["fairness"] = _fairness(job, truth, decided[:, 1] == 1, ends)
    results.write_json(job.outputs["reference"], msgspec.to_builtins(found))


def numbers(values: "Array") -> Numbers:
    """Values (n,) by their deciles."""
    edges = np.unique(np.quantile(values, DECILES)) if len(values) else np.empty(0)
    counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    return Numbers(tuple(edges.tolist()), tuple(counts.tolist()))


def _column(test: "pl.LazyFrame", train: "pl.LazyFrame", name: str, kind: str, hidden: bool) -> ColumnSketch:
    cell = pl.col(name)
    if kind == "number":
        cell = cell.fill_nan(None) if test.collect_schema()[name].is_float() else cell
    rows, missing = test.select(pl.len(), cell.is_null().sum().alias("m")).collect(engine="streaming").row(0)
    made = ColumnSketch(name, kind, rows, missing)
    if kind in ("category", "boolean"):
        return msgspec.structs.replace(made, levels=_levels(test, train, name, hidden))
    values = cell.to_physical() if kind in ("date", "datetime") else cell
    return msgspec.structs.replace(made, numbers=_numbers(test, train, values.cast(pl.Float64), hidden))


def _numbers(test: "pl.LazyFrame", train: "pl.LazyFrame", cell: "pl.Expr", hidden: bool) -> Numbers:
    asked = [cell.quantile(share, "lower").alias(str(share)) for share in DECILES]
    found = [edge for edge in test.select(asked).collect(engine="streaming").row(0) if edge is not None]
    edges = sorted({_rounded(edge) if hidden else float(edge) for edge in found if math.isfinite(edge)})
    both = pl.concat([part.select(cell.alias("v")) for part in (test, train)])
    ends = both.select(pl.col("v").min().alias("low"), pl.col("v").max().alias("high"))
    low, high = ends.collect(engine="streaming").row(0)
    # Nothing is above the greatest value: such an edge would bound an empty bin.
    edges = [edge for edge in edges if high is None or edge < high]
    below = [(cell <= edge).sum().alias(str(at)) for at, edge in enumerate(edges)]
    *counts, known = test.select([*below, cell.is_not_null().sum().alias("n")]).collect(engine="streaming").row(0)
    cut = np.diff([0, *counts, known]).tolist()
    if hidden or low is None or not (math.isfinite(low) and math.isfinite(high)):
        return Numbers(tuple(edges), tuple(cut))
    return Numbers(tuple(edges), tuple(cut), low, high)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _levels(test: "pl.LazyFrame", train: "pl.LazyFrame", name: str, hidden: bool) -> Levels:
    cell = pl.col(name).cast(pl.String).alias("v")
    counted = dict(test.select(cell).drop_nulls().group_by("v").len().collect(engine="streaming").iter_rows())
    every = train.select(cell).drop_nulls().select(pl.col("v").unique()).head(MOST_KNOWN + 1)
    levels = {*every.collect(engine="streaming")["v"].to_list(), *counted}
    order = sorted(counted, key=lambda value: (-counted[value], value))
    named = [value for value in order if counted[value] >= FEWEST and len(value) <= LONGEST][:MOST_VALUES]
    others = sum(counted.values()) - sum(counted[value] for value in named)
    whole = not hidden and len(levels) <= MOST_KNOWN
    rest = tuple(sorted(mark(value) for value in levels - set(named))) if whole else None
    return Levels(tuple(named), tuple(counted[value] for value in named), others, rest)


def _decided(job: Job, about: About, prediction: "Array") -> "Array":
    """The decisions (n, classes) of test rows, as they are evaluated."""
    by_group = results.read_decided(job.inputs["predictions"], prediction.shape[1])
    return decisions.decided(prediction, about.threshold) if by_group is None else by_group


def _metrics(job: Job, about: About, prediction: "Array", measured: dict[str, Any]) -> dict[str, MetricSketch]:
    found = {}
    decided = None if prediction.ndim == 1 else _decided(job, about, prediction)
    for name, settings in job.params["metrics"]:
        own = measured["metrics"][name]
        guess = None
        if decided is not None and len(prediction):
            metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
            guess, _error = estimated.estimate(metric, prediction, decided)
        found[name] = MetricSketch(settings, own["value"], own["low"], own["high"], guess)
    return found


def _slices(measured: dict[str, Any], hidden: Collection[str]) -> list[SliceSketch]:
    """The slices of ``evaluation.slices`` that have enough rows for metrics and for a name, and none of columns whose
    values are ``hidden``."""
    found = []
    for slicing in (one for one in measured.get("slices", ()) if not set(one["columns"]) & set(hidden)):
        for part in slicing["slices"]:
            if part["metrics"] and part["rows"] >= FEWEST:
                values = {name: own["value"] for name, own in part["metrics"].items()}
                found.append(SliceSketch(tuple(slicing["columns"]), tuple(part["values"]), part["rows"], values))
    return found[:MOST_SLICES]


def _fairness(job: Job, truth: "Array", called: "Array", hidden: Collection[str]) -> list[dict[str, Any]]:
    """Each bound with its groups; those of few rows, and of columns whose values are ``hidden``, are not named."""
    found = []
    for asked in job.params["fairness"]:
        rows = pl.read_parquet(job.inputs["test"], columns=list(dict.fromkeys(asked["group"])))
        table = fairness.table(*slices.groups(rows, asked["group"]), truth, called)
        shown = [] if set(asked["group"]) & set(hidden) else [group for group in table if group["rows"] >= FEWEST]
        found.append({**{key: value for key, value in asked.items() if key != "of"}, "groups": shown})
    return found
