"""How much the selected model relies on each column, measured on validation rows."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.data import parquet
from mlspec.steps.job import Job
from mlspec.steps.serving import package
from mlspec.steps.serving.package import Package

Array = np.ndarray[Any, Any]

ROWS, PARTIAL_ROWS = 2000, 400
COLUMNS, PARTIAL_COLUMNS = 60, 6
REPEATS = 5
GRID = 12
SEED = 20_011_001


def run(job: Job) -> None:
    """``model`` (the package), ``validation`` (raw rows) -> ``importance``.

    Permutation importance (Breiman 2001): by how much the metric gets worse when a column's values are shuffled among
    the rows, mean and spread over 5 shuffles. Partial dependence (Friedman 2001): the mean prediction when a column has
    one value in all rows, for the 6 columns that matter most. Of at most 2,000 rows and 60 columns. ``folds``: of a bag
    with so many models for each candidate, the first ones, whose held-out rows ``validation`` has.
    """
    loaded = package.load(job.inputs["model"], job.device)
    if "folds" in job.params:
        loaded = loaded.of_first_fold(job.params["folds"])
    name, settings = job.params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    frame = parquet.scan(job.inputs["validation"])
    count = parquet.count(frame)
    if not count:
        raise StepError("there are no validation rows to measure the importance of columns on")
    random = np.random.default_rng(SEED)
    chosen = np.arange(count) if count <= ROWS else np.sort(random.permutation(count)[:ROWS])
    rows = parquet.some(frame, chosen)
    truth, before = loaded.truth(rows), None
    before = metric.score(truth, loaded.predict(rows))
    sign = 1.0 if metric.greater_is_better else -1.0
    read = [column for column, _ in loaded.about.columns][:COLUMNS]
    found = []
    for index, column in enumerate(read):
        job.progress("columns", index / len(read), {})
        losses = []
        for _ in range(REPEATS):
            shuffled = rows.with_columns(rows[column][random.permutation(rows.height)])
            losses.append(sign * (before - metric.score(truth, loaded.predict(shuffled))))
        found.append({"column": column, "value": float(np.mean(losses)), "spread": float(np.std(losses, ddof=1))})
    found.sort(key=lambda entry: (-cast(float, entry["value"]), cast(str, entry["column"])))
    few = rows.head(PARTIAL_ROWS) if rows.height <= PARTIAL_ROWS else rows[:: rows.height // PARTIAL_ROWS]
    partial = [_partial(loaded, few, str(entry["column"])) for entry in found[:PARTIAL_COLUMNS]]
    results.write_json(
        job.outputs["importance"],
        {
            "metric": name,
            "predicts": None if loaded.about.classes is None else str(loaded.about.classes[-1]),
            "score": before,
            "rows": rows.height,
            "repeats": REPEATS,
            "left_out": max(0, len(loaded.about.columns) - COLUMNS),
            "columns": found,
            "partial": [entry for entry in partial if entry is not None],
        },
    )


def _partial(loaded: "Package", rows: "pl.DataFrame", column: str) -> Mapping[str, Any] | None:
    """The mean prediction (for classes: of the last one's probability) at values of a column."""
    cells = rows[column]
    known = cells.drop_nulls()
    if not len(known) or cells.dtype == pl.Binary:
        return None
    ordered = cells.dtype.is_numeric() or cells.dtype.is_temporal()
    if ordered:
        marks = [known.sort()[round(i / (GRID - 1) * (len(known) - 1))] for i in range(GRID)]
        values = list(dict.fromkeys(marks))
    else:
        counted = sorted(known.alias("value").value_counts().iter_rows(), key=lambda pair: (-pair[1], str(pair[0])))
        values = [value for value, _ in counted[:GRID]]
    means = []
    for value in values:
        predicted = loaded.predict(rows.with_columns(pl.lit(value, dtype=cells.dtype).alias(column)))
        means.append(float((predicted[:, -1] if predicted.ndim == 2 else predicted).mean()))
    numeric = cells.dtype.is_numeric()
    return {"column": column, "values": [v if numeric else str(v) for v in values], "means": means, "ordered": ordered}
