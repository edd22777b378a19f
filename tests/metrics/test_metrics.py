import numpy as np
import pytest

from mlspec import registry
from mlspec.metrics import _resampling
from mlspec.plugin import Metric

CLASSIFICATION = ("binary_classification", "multiclass_classification")


def cases() -> list[tuple[str, str]]:
    return [(name, task) for name in registry.names("metrics") for task in sorted(metric(name).tasks)]


def metric(name: str) -> Metric:
    found = registry.plugin("metrics", name)()
    assert isinstance(found, Metric)
    return found


def rows(task: str, n: int = 400, ties: bool = False) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(7)
    if task == "regression":
        truth = generator.normal(10, 3, n)
        return truth, truth + generator.normal(0, 1, n)
    classes = 2 if task == "binary_classification" else 4
    truth = generator.integers(0, classes, n)
    logits = generator.normal(0, 1, (n, classes)) + 1.5 * (truth[:, None] == np.arange(classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        probabilities = np.round(probabilities * 8) + 1e-3
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    return truth, probabilities


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("name", "task"), cases())
def test_resampling_by_weights_is_scoring_the_repeated_rows(name: str, task: str, ties: bool) -> None:
    truth, prediction = rows(task, ties=ties)
    weights = np.random.default_rng(1).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), 6).astype(float)
    scores = metric(name).resampled(truth, prediction, weights)
    assert scores is not None
    for row, score in zip(weights, scores, strict=True):
        chosen = np.repeat(np.arange(len(truth)), row.astype(int))
        assert score == pytest.approx(metric(name).score(truth[chosen], prediction[chosen]), abs=1e-9)


@pytest.mark.parametrize(("name", "task"), cases())
def test_a_perfect_prediction_is_at_the_good_end_of_the_bounds(name: str, task: str) -> None:
    truth, prediction = rows(task)
    perfect = truth if task == "regression" else np.eye(prediction.shape[1])[truth]
    score = metric(name).score(truth, perfect)
    low, high = metric(name).bounds
    assert score == pytest.approx(high if metric(name).greater_is_better else low, abs=1e-9)
    assert low <= metric(name).score(truth, prediction) <= high


@pytest.mark.parametrize(
    ("name", "task"),
    [(name, task) for name, task in cases() if task in CLASSIFICATION and name not in ("log_loss", "brier")],
)
def test_a_perfect_prediction_has_an_interval_that_is_wider_the_fewer_the_rows(name: str, task: str) -> None:
    widths = []
    for n in (60, 600):
        truth, prediction = rows(task, n)
        ends = metric(name).interval(truth, np.eye(prediction.shape[1])[truth], 0.95)
        assert ends is not None
        assert ends[1] == 1.0
        widths.append(1 - ends[0])
    assert 0 < widths[1] < widths[0] < 0.4


def test_metrics_of_one_class_are_undefined_not_perfect() -> None:
    truth, prediction = np.zeros(20, dtype=np.int64), np.full((20, 2), 0.5)
    assert np.isnan(metric("roc_auc").score(truth, prediction))
    assert np.isnan(metric("average_precision").score(truth, prediction))


def test_wilson_is_the_textbook_interval() -> None:
    # Agresti and Coull 1998: 0 of 10 at 95 %.
    low, high = _resampling.wilson(0.0, 10, 0.95)
    assert (low, round(high, 4)) == (0.0, 0.2775)
    assert _resampling.wilson(0.5, 0, 0.95) == (0.0, 1.0)
