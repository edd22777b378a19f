from pathlib import Path

import polars as pl
import pytest

from mlspec.models.ridge import Ridge
from mlspec.steps import results
from mlspec.steps.data import preparation
from mlspec.steps.training.tuning import trials


def test_trials_are_fitted_with_the_rows_weights(tmp_path: Path) -> None:
    rows = pl.DataFrame({"x": [1.0, 2.0, 3.0], "w": [1, 0, 3], "y": [1.0, 2.0, 3.0]})
    params = {
        "columns": [{"name": "x", "type": "number", "steps": []}],
        "target": ["y", "number"],
        "task": "regression",
        "positive": None,
        "weight": "w",
    }
    state = preparation.fit(rows.lazy(), params)
    preparation.apply(rows.lazy(), state).collect().write_parquet(tmp_path / "rows")
    results.write_json(tmp_path / "state", state)
    work = trials.Work(
        train=str(tmp_path / "rows"),
        validation=str(tmp_path / "rows"),
        state=str(tmp_path / "state"),
        model=("ridge", {}),
        metric=("rmse", {}),
        task="regression",
        seed=0,
        device="cpu",
        threads=1,
        scratch=str(tmp_path),
        root=str(tmp_path),
    )
    given = trials.training(work, Ridge)
    assert list(given.weights if given.weights is not None else ()) == pytest.approx([1, 0, 3])
    assert list(given.validation_weights if given.validation_weights is not None else ()) == pytest.approx([1, 0, 3])
