"""Predicts the test rows without a model: the answer that any model must beat."""

from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.plugins.baseline import Baseline, BaselineRows
from mlspec.steps import results
from mlspec.steps.data import parquet, preparation
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``train``, ``test`` -> ``predictions``, as the baseline makes them of the training rows."""
    named: Any = job.params["baseline"]
    name, settings = (named, {}) if isinstance(named, str) else named
    baseline = cast(Baseline, msgspec.convert(settings, registry.plugin("baselines", name)))
    known = preparation.describe_target(parquet.scan(job.inputs["train"]), job.params)
    read = list(dict.fromkeys([known["name"], *baseline.columns()]))
    train, test = (parquet.scan(job.inputs[part]).select(read).collect() for part in ("train", "test"))
    target, truth = (preparation.target(rows, {"target": known}) for rows in (train, test))
    rows = BaselineRows(train, test, target, 0 if known["classes"] is None else len(known["classes"]))
    prediction, decided = baseline.predict(rows)
    results.write_predictions(job.outputs["predictions"], prediction, truth, decided)
