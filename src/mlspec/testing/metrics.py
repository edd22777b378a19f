"""What every metric has to do: score within its bounds, whatever the order of rows, as its own shortcuts do."""

# ruff: noqa: D102 (the name of a test is its sentence)

from typing import Any, ClassVar

import numpy as np
import pytest

from mlspec.plugins.metric import Metric
from mlspec.testing.plugins import PluginSuite

Array = np.ndarray[Any, Any]
CLASSES = {"binary_classification": 2, "multiclass_classification": 4, "regression": 0}


class MetricSuite(PluginSuite):
    """Tests for metrics: inherit, and set ``names``."""

    kind: ClassVar[str] = "metrics"

    def test_its_score_is_a_number_within_its_bounds(self, plugin: Metric) -> None:
        assert plugin.tasks
        low, high = plugin.bounds
        for task in sorted(plugin.tasks):
            for truth, prediction in (rows(task), rows(task, ties=True), rows(task, n=1)):
                score = plugin.score(truth, prediction)
                assert isinstance(score, float), f"{task}: a score is a float, this is a {type(score).__name__}"
                assert np.isnan(score) or low - 1e-9 <= score <= high + 1e-9, task

    def test_what_it_is_given_stays_as_it_is(self, plugin: Metric) -> None:
        for task in sorted(plugin.tasks):
            truth, prediction = rows(task)
            before = truth.copy(), prediction.copy()
            plugin.score(truth, prediction)
            assert (before[0] == truth).all(), task
            assert (before[1] == prediction).all(), task

    def test_the_order_of_rows_does_not_matter(self, plugin: Metric) -> None:
        for task in sorted(plugin.tasks):
            truth, prediction = rows(task)
            order = np.random.default_rng(2).permutation(len(truth))
            other = plugin.score(truth[order], prediction[order])
            assert other == pytest.approx(plugin.score(truth, prediction), abs=1e-9), task

    def test_a_perfect_prediction_is_better_than_another_and_at_the_end_of_the_bounds(self, plugin: Metric) -> None:
        low, high = plugin.bounds
        end = high if plugin.greater_is_better else low
        for task in sorted(plugin.tasks):
            truth, prediction = rows(task)
            score, other = plugin.score(truth, perfect(truth, prediction)), plugin.score(truth, prediction)
            assert score > other if plugin.greater_is_better else score < other, task
            assert not np.isfinite(end) or score == pytest.approx(end, abs=1e-9), task

    @pytest.mark.parametrize("ties", [False, True])
    def test_resampling_by_weights_where_there_is_one_is_scoring_repeated_rows(
        self, plugin: Metric, ties: bool
    ) -> None:
        for task in sorted(plugin.tasks):
            truth, prediction = rows(task, ties=ties)
            counts = np.random.default_rng(1).multinomial(len(truth), np.full(len(truth), 1 / len(truth)), 6)
            scores = plugin.resampled(truth, prediction, counts.astype(float))
            if scores is None:
                continue
            assert np.shape(scores) == (6,), task
            for row, score in zip(counts, scores, strict=True):
                chosen = np.repeat(np.arange(len(truth)), row)
                assert score == pytest.approx(plugin.score(truth[chosen], prediction[chosen]), abs=1e-9), task

    def test_influences_where_there_are_some_are_the_scores_derivatives_by_the_weights_of_rows(
        self, plugin: Metric
    ) -> None:
        for task in sorted(plugin.tasks):
            truth, prediction = rows(task, 60, ties=True)
            influences = plugin.influences(truth, prediction)
            plain = plugin.resampled(truth, prediction, np.ones((1, 60)))
            moved = plugin.resampled(truth, prediction, np.ones((60, 60)) + 1e-5 * np.eye(60))
            if influences is None or plain is None or moved is None:
                continue
            assert influences == pytest.approx((moved - plain) / 1e-5 * 60, abs=1e-3), task

    def test_an_interval_in_closed_form_where_there_is_one_is_wider_the_fewer_the_rows(self, plugin: Metric) -> None:
        low, high = plugin.bounds
        for task in sorted(plugin.tasks):
            widths = []
            for n in (60, 6000):
                truth, prediction = rows(task, n)
                ends = plugin.interval(truth, prediction, 0.95)
                if ends is None or isinstance(ends, str):
                    assert ends is None or ends, f"{task}: an interval that is unknown says why"
                    break
                assert low - 1e-9 <= ends[0] <= ends[1] <= high + 1e-9, task
                widths.append(ends[1] - ends[0])
            assert len(widths) < 2 or 0 < widths[1] < widths[0], task


def rows(task: str, n: int = 400, *, ties: bool = False) -> tuple[Array, Array]:
    """Truth and predictions of so many rows: class codes (n,) and probabilities (n, classes), or values and values."""
    generator = np.random.default_rng(7)
    if task == "regression":
        truth = generator.normal(10, 3, n)
        return truth, truth + generator.normal(0, 1, n)
    classes = CLASSES[task]
    codes = generator.integers(0, classes, n)
    logits = generator.normal(0, 1, (n, classes)) + 1.5 * (codes[:, None] == np.arange(classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if ties:
        probabilities = np.round(probabilities * 8) + 1e-3
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    return codes, probabilities


def perfect(truth: Array, prediction: Array) -> Array:
    """The prediction that is the truth."""
    return truth if prediction.ndim == 1 else np.asarray(np.eye(prediction.shape[1])[truth])
