from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlspec.engine.pool import is_held
from mlspec.models.ridge import Ridge
from mlspec.steps import results
from mlspec.steps.data import preparation
from mlspec.steps.training.tuning import trials
from mlspec.steps.training.tuning.journal import Piece


def work(root: Path, model: str, **more: Any) -> trials.Work:
    """Three rows, to train on and to score on."""
    rows = pl.DataFrame({"x": [1.0, 2.0, 3.0], "w": [1, 0, 3], "y": [1.0, 2.0, 3.0]})
    params = {
        "columns": [{"name": "x", "type": "number", "steps": []}],
        "target": ["y", "number"],
        "task": "regression",
        "positive": None,
        "weight": "w",
    }
    state = preparation.fit(rows.lazy(), params)
    preparation.apply(rows.lazy(), state).collect().write_parquet(root / "rows")
    results.write_json(root / "state", state)
    return trials.Work(
        train=str(root / "rows"),
        validation=str(root / "rows"),
        state=str(root / "state"),
        model=(model, {}),
        metric=("rmse", {}),
        task="regression",
        seed=0,
        device="cpu",
        threads=1,
        scratch=str(root),
        root=str(root),
        **more,
    )


def test_trials_are_fitted_with_the_rows_weights(tmp_path: Path) -> None:
    given = trials.training(work(tmp_path, "ridge"), Ridge)
    assert list(given.weights if given.weights is not None else ()) == pytest.approx([1, 0, 3])
    assert list(given.validation_weights if given.validation_weights is not None else ()) == pytest.approx([1, 0, 3])


def test_one_process_at_a_time_trains_a_trial(tmp_path: Path) -> None:
    held = []

    def progress(*_report: object) -> None:
        held.append(is_held(tmp_path / "trial-7.lock"))

    result = trials.Trainer(work(tmp_path, "sgd", progress=progress)).do(Piece(7, {}, 1))
    assert result.error is None
    assert held
    assert all(held)
