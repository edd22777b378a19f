import numpy as np
import pytest

from mlspec import registry
from mlspec.metrics import _resampling
from mlspec.plugins.metric import Metric
from mlspec.testing.metrics import rows

PROPORTIONS = [
    ("accuracy", "multiclass_classification"),
    ("average_precision", "binary_classification"),
    ("balanced_accuracy", "multiclass_classification"),
    ("expected_cost", "binary_classification"),
    ("f1", "binary_classification"),
    ("f1_macro", "multiclass_classification"),
    ("precision", "binary_classification"),
    ("recall", "binary_classification"),
    ("roc_auc", "binary_classification"),
    ("roc_auc", "multiclass_classification"),
]


def metric(name: str) -> Metric:
    found = registry.plugin("metrics", name)()
    assert isinstance(found, Metric)
    return found


@pytest.mark.parametrize(("name", "task"), PROPORTIONS)
def test_a_perfect_prediction_has_an_interval_that_is_wider_the_fewer_the_rows(name: str, task: str) -> None:
    widths = []
    for n in (60, 600):
        truth, prediction = rows(task, n)
        ends = metric(name).interval(truth, np.eye(prediction.shape[1])[truth], 0.95)
        assert isinstance(ends, tuple)
        assert (ends[1] == 1.0) if metric(name).greater_is_better else (ends[0] == 0.0)
        widths.append(ends[1] - ends[0])
    assert 0 < widths[1] < widths[0] < 0.4


def test_metrics_of_one_class_are_undefined_not_perfect() -> None:
    truth, prediction = np.zeros(20, dtype=np.int64), np.full((20, 2), 0.5)
    assert np.isnan(metric("roc_auc").score(truth, prediction))
    assert np.isnan(metric("average_precision").score(truth, prediction))
    assert np.isnan(metric("recall").score(truth, prediction))
    assert np.isnan(metric("f1").score(truth, prediction))
    assert np.isnan(metric("r2").score(np.full(3, 0.1), np.full(3, 0.1)))


def test_wilson_is_the_textbook_interval() -> None:
    # Agresti and Coull 1998: 0 of 10 at 95 %.
    low, high = _resampling.wilson(0.0, 10, 0.95)
    assert (low, round(high, 4)) == (0.0, 0.2775)
    assert _resampling.wilson(0.5, 0, 0.95) == (0.0, 1.0)


def test_the_expected_cost_counts_each_mistake_at_its_price_and_decides_by_it() -> None:
    truth = np.array([0, 0, 1, 1])
    prediction = np.array([[0.9, 0.1], [0.7, 0.3], [0.95, 0.05], [0.2, 0.8]])
    cost = registry.plugin("metrics", "expected_cost")(false_positive=1.0, false_negative=5.0)
    assert isinstance(cost, Metric)
    # From 1 / (1 + 5) on a row is called positive: the second wrongly, the third is missed.
    assert cost.score(truth, prediction) == pytest.approx((1 + 5) / 4)
    decisions = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert cost.score(truth, decisions) == pytest.approx(5 / 4)


def test_the_calibration_error_is_what_a_hand_count_gives_and_its_interval_leaves_chance_out() -> None:
    error = metric("calibration_error")
    truth = np.repeat([1, 0, 1, 0], [40, 60, 90, 10])
    positive = np.repeat([0.2, 0.9], [100, 100])
    stated = np.stack([1 - positive, positive], axis=1)
    # 0.4 where 0.2 was predicted, less what chance adds; 0.9 where 0.9 was.
    assert error.score(truth, stated) == pytest.approx((0.2**2 - 0.4 * 0.6 / 100) ** 0.5 / 2)
    generator = np.random.default_rng(3)
    chance = generator.uniform(0, 1, 3000)
    honest, overbold = np.stack([1 - chance, chance], axis=1), np.stack([1 - chance**3, chance**3], axis=1)
    happened = (generator.uniform(0, 1, 3000) < chance).astype(np.int64)
    found = error.interval(happened, honest, 0.95)
    assert isinstance(found, tuple)
    assert found[0] == 0.0 < found[1] < 0.04
    found = error.interval(happened, overbold, 0.95)
    assert isinstance(found, tuple)
    assert 0.2 < found[0] < error.score(happened, overbold) < found[1]


@pytest.mark.slow
def test_an_average_precision_of_millions_of_rows_is_right() -> None:
    """The cube of a count of some two million rows is beyond all integers of 64 bits."""
    from sklearn.metrics import average_precision_score

    n = 2**22 + 1000
    score = np.arange(n) / n
    truth = (np.arange(n) % 1000 < np.arange(n) // (n // 1000)).astype(np.int64)
    found, prediction = metric("average_precision"), np.column_stack([1 - score, score])
    value, ends = found.score(truth, prediction), found.interval(truth, prediction, 0.95)
    assert value == pytest.approx(average_precision_score(truth, score), abs=1e-12)
    assert isinstance(ends, tuple)
    assert 1e-4 < ends[1] - ends[0] < 1e-2
    assert ends[0] < value < ends[1]
