import math
from typing import Any

import numpy as np
import pytest

from mlspec import registry
from mlspec.plugins import verdict
from mlspec.plugins.metric import Metric
from mlspec.steps.evaluation import intervals


def metrics(*names: str) -> list[tuple[str, Metric]]:
    found = []
    for name in names:
        metric = registry.plugin("metrics", name)()
        assert isinstance(metric, Metric)
        found.append((name, metric))
    return found


def rows(n: int, seed: int, skill: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 2, n)
    score = 1 / (1 + np.exp(-(skill * (2 * truth - 1) + generator.normal(0, 1, n))))
    return truth, np.stack([1 - score, score], axis=1)


def measure(truth: np.ndarray, prediction: np.ndarray, *names: str, **baselines: np.ndarray) -> dict[str, Any]:
    return intervals.measure(metrics(*names), truth, prediction, baselines, level=0.95, resamples=400)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    # The accuracy that a score of this skill has in the long run.
    whole_truth, whole = rows(400_000, 0)
    real = ((whole[:, 1] > 0.5) == whole_truth).mean()
    held = 0
    for seed in range(1, 201):
        found = measure(*rows(300, seed), "accuracy")["metrics"]["accuracy"]
        held += found["low"] <= real <= found["high"]
    assert 0.90 <= held / 200 <= 0.985


def test_measuring_twice_gives_the_same_figures_and_says_how_many_rows() -> None:
    truth, prediction = rows(500, 3)
    first = measure(truth, prediction, "roc_auc", "log_loss", none=np.full((500, 2), 0.5))
    assert first == measure(truth, prediction, "roc_auc", "log_loss", none=np.full((500, 2), 0.5))
    assert first["rows"] == first["metrics"]["roc_auc"]["n"] == 500


def test_differences_are_paired_and_oriented() -> None:
    truth, prediction = rows(800, 5)
    _, noise = rows(800, 6)
    nearly = 0.97 * prediction + 0.03 * noise
    found = measure(truth, prediction, "roc_auc", "log_loss", nearly=nearly, poor=np.full((800, 2), 0.5))
    for name in ("roc_auc", "log_loss"):
        assert found["differences"]["poor"][name]["low"] > 0, "positive is better, whatever the metric's direction"
        width = found["metrics"][name]["high"] - found["metrics"][name]["low"]
        paired = found["differences"]["nearly"][name]
        assert paired["high"] - paired["low"] < width / 3, "the same rows are drawn for both"
    assert found["baselines"]["poor"]["roc_auc"] == 0.5


def test_a_perfect_model_on_few_rows_is_not_certain() -> None:
    truth = np.arange(60) % 2
    found = measure(truth, np.eye(2)[truth], "accuracy", "roc_auc")["metrics"]
    assert found["accuracy"]["high"] == 1.0
    assert 0.9 < found["accuracy"]["low"] < 0.95
    assert 0.9 < found["roc_auc"]["low"] < 0.95, "a perfect ranking of few rows may be by chance"


def test_what_is_not_defined_is_null_and_not_a_number_passes_nothing() -> None:
    truth = np.zeros(50, dtype=np.int64)
    found = measure(truth, np.full((50, 2), 0.5), "roc_auc", half=np.full((50, 2), 0.5))
    assert [found["metrics"]["roc_auc"][end] for end in ("value", "low", "high")] == [None, None, None]
    assert found["differences"]["half"]["roc_auc"]["value"] is None
    for low, high in ((math.nan, math.nan), (None, None), (0.9, math.nan), (math.nan, 0.9)):
        for at_least in (True, False):
            assert verdict.decide(low, high, 0.5, at_least=at_least) == "unknown"
    assert verdict.decide(0.6, 0.7, math.nan, at_least=True) == "unknown"


@pytest.mark.parametrize(
    ("low", "high", "at_least", "at_most"),
    [
        (0.90, 0.92, "pass", "unknown"),
        (0.91, 0.92, "pass", "fail"),
        (0.88, 0.92, "unknown", "unknown"),
        (0.88, 0.90, "unknown", "pass"),
        (0.88, 0.89, "fail", "pass"),
        (0.92, 0.88, "unknown", "unknown"),
    ],
)
def test_a_bound_of_a_90_percent_interval(low: float, high: float, at_least: str, at_most: str) -> None:
    assert verdict.decide(low, high, 0.9, at_least=True) == at_least
    assert verdict.decide(low, high, 0.9, at_least=False) == at_most


def test_the_rows_it_would_take_do_decide() -> None:
    # An arm of 0.02 over 1,000 rows has to shrink to 0.01: four times the rows.
    assert verdict.rows_needed(0.91, 0.89, 0.93, 1000, 0.90) == 4000
    assert verdict.rows_needed(0.91, 0.89, 0.93, 1000, 0.91) is None
    assert verdict.rows_needed(0.89, 0.87, 0.91, 1000, 0.90) == 4000, "the upper arm where the value is below"


def test_quantile_ranks_are_those_of_the_textbook() -> None:
    # Conover, Practical Nonparametric Statistics: the median of 10, ranks 2 and 9 at about 95 %.
    assert intervals.quantile_ranks(10, 0.5, 0.95) == (2, 9)
    assert intervals.quantile_ranks(100, 0.99, 0.95)[1] is None, "a hundred measurements can't bound a 99th percentile"
    low, high = intervals.quantile_ranks(1000, 0.95, 0.95)
    assert low is not None
    assert high is not None
    assert 930 < low < 950 < high < 970


class Spread(Metric, frozen=True):
    """A metric of somebody else, which can only score."""

    def score(self, truth: np.ndarray, prediction: np.ndarray) -> float:
        return float(np.median(np.abs(truth - prediction)))


def test_a_metric_that_only_scores_is_repeated() -> None:
    generator = np.random.default_rng(0)
    truth = generator.normal(size=300)
    found = intervals.measure(
        [("spread", Spread())], truth, truth + generator.normal(size=300), {}, level=0.9, resamples=100
    )
    spread = found["metrics"]["spread"]
    assert spread["low"] < spread["value"] < spread["high"]
