"""Rows that count more, classes that count the same, answers that may only rise."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.suites import later

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.model import Features, Model, Training

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 2)).astype(np.float32)
RARE = (X[:, 0] + RANDOM.normal(0, 1, 400) > 1.6).astype(np.int64)
VALUE = X[:, 0] - 0.5 * X[:, 0] ** 3 + RANDOM.normal(0, 0.3, 400)
QUICK: dict[str, dict[str, Any]] = {
    "torch.mlp": {"epochs": 15, "hidden": [16], "bins": 8, "learning_rate": 0.01},
    "torch.resnet": {"epochs": 15, "units": 16, "inner": 16, "bins": 8, "learning_rate": 0.01},
    "torch.tabm": {"epochs": 15, "members": 2, "hidden": [16], "bins": 8, "learning_rate": 0.01},
    "torch.ft_transformer": {"epochs": 15, "layers": 1, "heads": 1, "bins": 8, "learning_rate": 0.01},
    "hist_gradient_boosting": {"max_iter": 40},
    "lightgbm": {"trees": 40, "learning_rate": 0.1},
    **({"catboost": {"trees": 40, "learning_rate": 0.1}} if find_spec("catboost") else {}),
    "random_forest": {"trees": 40},
    "extra_trees": {"trees": 40, "min_samples_leaf": 3},
    "logistic_regression": {},
    "ridge": {"alpha": 1e-6},
}


def features(rows: Any) -> Features:
    return Features(rows, np.zeros((len(rows), 0), np.int32), ("a", "b"), (), ())


def fit(name: str, target: Any, folder: Path, weights: Any = None, watched: bool = False, **settings: Any) -> Any:
    classes = 2 if target.dtype == np.int64 else 0
    training = Training(
        features=features(X),
        target=target,
        validation=features(X if watched else X[:0]),
        validation_target=target if watched else target[:0],
        task="binary_classification" if classes else "regression",
        classes=classes,
        seed=0,
        device="cpu",
        threads=1,
        checkpoints=folder / "checkpoints",
        progress=lambda *_: None,
        weights=weights,
        validation_weights=weights if watched else None,
    )
    model = msgspec.convert({**QUICK[name], **settings}, registry.plugin("models", name))
    assert isinstance(model, Model)
    model.fit(training, folder / "model")
    return model.load(folder / "model", "cpu")


SLOW = frozenset(("torch.ft_transformer", "torch.tabm", "torch.resnet")).__contains__


@pytest.mark.parametrize("name", later(sorted(set(QUICK) - {"ridge"}), SLOW))
def test_balanced_classes_call_the_rare_one_more_often(name: str, tmp_path: Path) -> None:
    plain = fit(name, RARE, tmp_path / "plain").predict(features(X))[:, 1]
    balanced = fit(name, RARE, tmp_path / "balanced", class_weight="balanced").predict(features(X))[:, 1]
    assert balanced.mean() > plain.mean() + 0.02


@pytest.mark.parametrize("name", later(sorted(QUICK), SLOW))
def test_rows_without_weight_count_for_nothing(name: str, tmp_path: Path) -> None:
    # The rows with a weight say one thing, the others the contrary.
    weights = (np.arange(400) % 2).astype(np.float64)
    regression = name == "ridge"
    truth = X[:, 0] if regression else (X[:, 0] > 0).astype(np.int64)
    contrary = -truth if regression else 1 - truth
    target = np.where(weights > 0, truth, contrary)
    target = target.astype(np.float64 if regression else np.int64)
    answer = fit(name, target, tmp_path, weights).predict(features(X))
    told = answer if regression else answer[:, 1]
    assert np.corrcoef(told, truth)[0, 1] > 0.8


@pytest.mark.parametrize(
    "name", later(sorted(set(QUICK) - {"extra_trees", "logistic_regression", "random_forest", "ridge"}), SLOW)
)
def test_what_is_learned_by_is_what_is_stopped_by(name: str, tmp_path: Path) -> None:
    # Half of the rows say the contrary and count for nothing. Watched without weights, the loss on the validation rows
    # only rises, and the first round would be the best.
    counts = (np.arange(400) % 2).astype(np.float64)
    truth = (X[:, 0] > 0).astype(np.int64)
    target = np.where(counts > 0, truth, 1 - truth)
    watched = fit(name, target, tmp_path, counts, watched=True).predict(features(X))[:, 1]
    whole = fit(name, truth, tmp_path / "whole").predict(features(X))[:, 1]
    assert watched.std() > 0.5 * whole.std()


@pytest.mark.parametrize("name", sorted(set(QUICK) & {"hist_gradient_boosting", "lightgbm", "catboost"}))
@pytest.mark.parametrize("direction", ["increasing", "decreasing"])
def test_a_monotone_answer_never_turns(name: str, direction: str, tmp_path: Path) -> None:
    grid = np.stack([np.linspace(-3, 3, 200), np.zeros(200)], axis=1).astype(np.float32)
    free = np.diff(fit(name, VALUE, tmp_path / "free").predict(features(grid)))
    assert (free > 1e-9).any()
    assert (free < -1e-9).any()
    bound = np.diff(fit(name, VALUE, tmp_path / "bound", monotone={"a": direction}).predict(features(grid)))
    assert (bound * (1 if direction == "increasing" else -1) >= -1e-12).all()


def test_a_column_that_became_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="'c' is to be monotone, but is no number when the model gets it"):
        fit("lightgbm", VALUE, tmp_path, monotone={"c": "increasing"})
