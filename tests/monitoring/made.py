"""Request logs as a server writes them, and packages with a sketch, made without a run."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from mlspec import registry
from mlspec.plugins.metric import Metric
from mlspec.steps import results
from mlspec.steps.evaluation import intervals, slices
from mlspec.steps.job import Job
from mlspec.steps.serving import make_reference, package_format, reference
from mlspec.steps.serving.package_format import About

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def write_log(
    folder: Path,
    inputs: Mapping[str, Any],
    *,
    prediction: Any,
    probability: Mapping[str, Any] | None = None,
    model: str,
    end: datetime = NOW,
    seconds: float = 10.0,
    ids: Any = None,
    part: str = "0001",
    **columns: Any,
) -> "pl.DataFrame":
    """A log of one-row requests, ``seconds`` apart, the last at ``end``, in parts by day."""
    n = len(prediction)
    times = [end - timedelta(seconds=seconds * (n - 1 - at)) for at in range(n)]
    table = pl.DataFrame(
        {
            "request_id": [f"r{at}" for at in range(n)] if ids is None else ids,
            "row": pl.Series([0] * n, dtype=pl.Int32),
            "time": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            "model": [model] * n,
            "role": ["live"] * n,
            "status": ["ok"] * n,
            "milliseconds": pl.Series(np.full(n, 3.0), dtype=pl.Float32),
            **{f"input.{name}": values for name, values in inputs.items()},
            "prediction": prediction,
            **{f"probability.{name}": values for name, values in (probability or {}).items()},
            **({} if probability is None else {"to_person": [False] * n}),
        }
    ).with_columns(**columns)
    for (day,), rows in table.group_by(pl.col("time").dt.date()):
        place = folder / str(day)
        place.mkdir(parents=True, exist_ok=True)
        rows.sort("time").write_parquet(place / f"{part}.parquet")
    return table


def make_package(
    folder: Path,
    table: "pl.DataFrame",
    kinds: Mapping[str, str],
    probability: "np.ndarray[Any, Any]",
    truth: "np.ndarray[Any, Any]",
    operation: Mapping[str, Any],
    *,
    train: "pl.DataFrame | None" = None,
    personal: tuple[str, ...] = (),
    fairness: tuple[Mapping[str, Any], ...] = (),
    metrics: tuple[str, ...] = ("roc_auc", "accuracy"),
    began: str | None = None,
    sliced: tuple[str, ...] = (),
) -> tuple[Path, str]:
    """An exported model of the classes no and yes without the model itself: its folder with the sketch of these test
    rows, and its digest. ``probability`` (n,) is that of yes."""
    work = folder / "work"
    work.mkdir(parents=True)
    table.write_parquet(work / "test")
    (table if train is None else train).write_parquet(work / "train")
    prediction = np.stack([1 - probability, probability], axis=1)
    results.write_predictions(work / "predictions", prediction, truth)
    used = [(name, cast(Metric, registry.plugin("metrics", name)())) for name in metrics]
    measured = intervals.measure(used, truth, prediction, {}, level=0.95, resamples=200)

    def score(mine: "np.ndarray[Any, Any]") -> dict[str, Any]:
        return {name: {"value": metric.score(truth[mine], prediction[mine])} for name, metric in used}

    measured["slices"] = slices.measured(table, [[name] for name in sliced], 30, score)
    results.write_json(work / "metrics", measured)
    model = folder / "model"
    model.mkdir()
    about = About(
        candidate="linear",
        model=("logistic_regression", {}),
        columns=tuple(kinds.items()),  # type: ignore[arg-type]
        target="bought",
        target_type="category",
        task="binary_classification",
        classes=("no", "yes"),
        positive="yes",
    )
    package_format.write_about(model, about)
    params = {
        "metrics": [[name, {}] for name in metrics],
        "confidence": {"level": 0.95, "resamples": 200},
        "slice_rows": 30,
        "personal": list(personal),
        "fairness": [{"of": "fairness", **asked} for asked in fairness],
        "operation": dict(operation),
    }
    inputs = {name: work / name for name in ("train", "test", "predictions", "metrics")} | {"model": model}
    made = work / "reference.json"
    make_reference.run(
        Job(
            id="reference",
            kind="reference",
            params=params,
            inputs=inputs,
            outputs={"reference": made},
            scratch=work,
            root=work,
        )
    )
    sketch = json.loads(made.read_text()) | {"made": began}
    package_format.add(model, reference.FILE, json.dumps(sketch))
    return model, package_format.digest(model)
