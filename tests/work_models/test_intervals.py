"""Intervals at their edges, worked out by hand: figures of elsewhere, gains, rows that would decide."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom
from scipy.stats import t as student

from mlspec import registry
from mlspec.plugins import verdict
from mlspec.plugins.metric import Metric
from mlspec.steps.evaluation import decisions, intervals


def metric(name: str) -> Metric:
    made = registry.plugin("metrics", name)()
    assert isinstance(made, Metric)
    return made


UP, DOWN = ("accuracy", metric("accuracy")), ("rmse", metric("rmse"))
FIGURES = {
    "accuracy": {"value": 0.8, "low": 0.7, "high": 0.84},
    "rmse": {"value": 3.0, "low": 2.6, "high": 3.3},
}
OWN = {"accuracy": {"value": 0.9, "low": 0.86, "high": 0.93}, "rmse": {"value": 2.0, "low": 1.7, "high": 2.4}}


def test_figures_of_elsewhere_are_compared_by_what_both_intervals_give() -> None:
    measured: dict[str, Any] = {"metrics": OWN, "baselines": {}, "differences": {}}
    intervals.against_figures(measured, "before", FIGURES, [UP, DOWN])
    assert measured["baselines"] == {"before": {"accuracy": 0.8, "rmse": 3.0}}
    found = measured["differences"]["before"]
    # accuracy: 0.9 - 0.8; down by our lower arm 0.04 and their upper 0.04, up by our upper 0.03 and their lower 0.1.
    assert found["accuracy"] == {
        "value": pytest.approx(0.1),
        "low": pytest.approx(0.1 - math.hypot(0.04, 0.04)),
        "high": pytest.approx(0.1 + math.hypot(0.03, 0.1)),
    }
    # rmse: 3 - 2, the less the better; worst where ours is as high and theirs as low as may be.
    assert found["rmse"] == {
        "value": pytest.approx(1.0),
        "low": pytest.approx(1.0 - math.hypot(0.4, 0.4)),
        "high": pytest.approx(1.0 + math.hypot(0.3, 0.3)),
    }


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_figures_without_an_interval_have_a_difference_without_one(whose: str, end: str) -> None:
    own, other = ({name: dict(ends) for name, ends in given.items()} for given in (OWN, FIGURES))
    (own if whose == "ours" else other)["accuracy"][end] = None
    measured: dict[str, Any] = {"metrics": own, "baselines": {}, "differences": {}}
    intervals.against_figures(measured, "before", other, [UP])
    assert measured["differences"]["before"] == {"accuracy": {"value": pytest.approx(0.1), "low": None, "high": None}}


def test_a_figure_that_nobody_knows_is_no_difference() -> None:
    measured: dict[str, Any] = {"metrics": OWN, "baselines": {}, "differences": {}}
    intervals.against_figures(measured, "before", {}, [UP])
    assert measured["baselines"] == {"before": {"accuracy": None}}
    assert measured["differences"] == {"before": {"accuracy": {"value": None, "low": None, "high": None}}}


def both(positive: list[int]) -> np.ndarray:
    return np.stack([1 - np.asarray(positive, dtype=float), np.asarray(positive, dtype=float)], axis=1)


@pytest.mark.parametrize("among", [1, 10])
def test_a_gain_has_students_interval_of_the_differences_by_row(among: int) -> None:
    truth = np.arange(400) % 2
    other = both([*truth[:340], *(1 - truth[340:])])
    own = both([*(1 - truth[:20]), *truth[20:]])
    found = intervals.gain(UP[1], truth, own, other, {"level": 0.9, "resamples": 100}, among=among)
    assert (found["own"], found["other"], found["value"]) == (0.95, 0.85, pytest.approx(0.1))
    # 60 of 400 rows are right with the one alone and 20 with the other; the error of the mean follows.
    error = math.sqrt((0.15 + 0.05 - 0.1**2) / 399)
    arm = student.ppf(1 - 0.1 / 2 / among, 399) * error
    assert found["high"] - found["low"] == pytest.approx(2 * arm, rel=0.01)
    assert found["high"] - found["value"] > arm > found["value"] - found["low"], "more rows gain than lose"
    turned = intervals.gain(DOWN[1], truth.astype(float), truth + 1.0, truth + 2.0, {"level": 0.9, "resamples": 50})
    assert (turned["own"], turned["other"], turned["value"]) == (1.0, 2.0, 1.0)


@pytest.mark.parametrize("name", ["log_loss", "brier"])
def test_a_model_that_is_hardly_ever_wrong_is_shown_to_be_better_than_one_that_hesitates_everywhere(name: str) -> None:
    truth = np.arange(68) % 2
    sure, hesitant = np.where(truth == 1, 0.98, 0.02), np.where(truth == 1, 0.55, 0.45)
    sure[0] = 0.9  # the one wrong row
    own, other = (np.stack([1 - positive, positive], axis=1) for positive in (sure, hesitant))
    asked = {"level": 0.95, "resamples": 50}
    found = intervals.gain(metric(name), truth, own, other, asked)
    assert found["value"] > found["low"] > 0.02
    # Wrong rows that were not seen may make the sure one worse, but no better: the arm towards zero is longer.
    assert found["value"] - found["low"] > 3 * (found["high"] - found["value"])
    turned = intervals.gain(metric(name), truth, other, own, asked)
    assert (turned["low"], turned["high"]) == (pytest.approx(-found["high"]), pytest.approx(-found["low"]))
    both_sure = intervals.gain(metric(name), truth, own, own * 0.97 + 0.015, asked)
    assert both_sure["low"] is None, "of two that are hardly ever wrong, the difference is as uncertain as before"
    assert "few rows carry the loss" in both_sure["reason"]


def test_one_row_tells_little_and_a_metric_that_is_not_defined_nothing() -> None:
    one = intervals.gain(UP[1], np.array([1]), both([1]), both([0]), {"level": 0.9, "resamples": 50})
    assert one["value"] == 1.0
    assert one["low"] < 0 < one["high"]
    area = metric("roc_auc")
    none = intervals.gain(area, np.array([1, 1]), both([1, 0]), both([0, 1]), {"level": 0.9, "resamples": 50})
    assert none == {"own": None, "other": None, "value": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("value", "low", "high", "n", "threshold", "expected"),
    [
        (0.91, 0.88, 0.94, 1000, 0.9, 9000),
        (0.89, 0.86, 0.92, 1000, 0.9, 9000),
        (0.75, 0.25, 0.8, 100, 0.5, 400),
        (0.25, 0.2, 0.75, 100, 0.5, 400),
        (0.93, 0.83, 0.97, 100, 0.9, 1200),  # 1,111.1
        (0.5, 0.4, 0.5, 100, 0.6, None),  # no arm towards the bound
        (0.9, 0.8, 1.0, 100, 0.9, None),  # on the bound
        (0.5, 0.4, 0.6, 100, 0.58, 160),  # 156.25, up to two digits
        (0.5, 0.4, 0.6, 100, 0.6, 101),  # never fewer than there are
        (0.5, 0.0, 1.0, 1, 0.25, 4),
        (0.5, 0.4, 0.6, 100, 0.5 + 1e-10, None),  # more rows than anybody has
    ],
)
def test_the_rows_that_would_decide_by_hand(
    value: float, low: float, high: float, n: int, threshold: float, expected: int | None
) -> None:
    assert verdict.rows_needed(value, low, high, n, threshold) == expected


def test_a_single_row_has_no_interval() -> None:
    found = intervals.measure([DOWN], np.array([1.0]), np.array([3.0]), {}, level=0.9, resamples=20)
    assert found["metrics"]["rmse"] == {
        "value": 2.0, "low": None, "high": None, "level": 0.9, "n": 1, "greater_is_better": False,
        "reason": "too few rows show how the errors spread: 1, where at least 20 are needed",
    }  # fmt: skip


def test_every_replicate_draws_as_many_rows_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = intervals.replicates(DOWN[1], np.arange(30.0), {"": np.zeros(30)}, 40)[""]
    monkeypatch.setattr(intervals, "AT_ONCE", 100)
    pieces = intervals.replicates(DOWN[1], np.arange(30.0), {"": np.zeros(30)}, 40)[""]
    assert len(whole) == len(pieces) == 40
    assert np.array_equal(whole, pieces)
    assert len(np.unique(whole)) > 30
    assert whole.mean() == pytest.approx(math.sqrt(29 * 59 / 6), rel=0.05)


def test_decisions_are_judged_where_a_metric_judges_decisions() -> None:
    scores = np.array([[0.6, 0.4], [0.3, 0.7]])
    assert intervals.judged(metric("log_loss"), {"": scores}, 0.3)[""] is scores
    assert intervals.judged(UP[1], {"": scores}, None)[""] is scores
    assert intervals.judged(UP[1], {"": scores}, 0.3)[""].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert intervals.judged(UP[1], {"": scores}, 0.4)[""].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert intervals.judged(UP[1], {"": scores}, 0.5)[""].tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("scores", "truth", "mistakes", "threshold", "cost"),
    [
        # Every one called negative: nothing may reach the threshold, not the best score.
        ([0.2, 0.8], [0, 0], {}, 0.9, 0.0),
        ([0.2, 1.0], [0, 0], {}, math.nextafter(1.0, 2.0), 0.0),
        # Every one called positive.
        ([0.2, 0.8], [1, 1], {}, 0.0, 0.0),
        ([0.2, 0.8], [0, 1], {}, 0.5, 0.0),
        ([0.2, 0.5, 0.8], [1, 0, 1], {"false_negative": 3.0}, 0.0, 1 / 3),
        ([0.2, 0.5, 0.8], [1, 0, 1], {"false_positive": 3.0}, 0.65, 1 / 3),
        # Equal costs: the one nearest to what right probabilities call for, 1 / (1 + 1).
        ([0.2, 0.4, 0.6], [0, 1, 0], {}, 0.3, 1 / 3),
        # Just the share that is asked for is enough.
        ([0.1, 0.2, 0.3, 0.4], [1, 0, 0, 1], {"false_positive": 9.0, "recall": {"at_least": 0.5}}, 0.35, 0.25),
        ([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], {"false_negative": 9.0, "precision": {"at_least": 0.75}}, 0.35, 2.25),
    ],
)
def test_the_cheapest_threshold_by_hand(
    scores: list[float], truth: list[int], mistakes: dict[str, Any], threshold: float, cost: float
) -> None:
    costs = {"false_positive": 1.0, "false_negative": 1.0, **mistakes}
    found = decisions.least_cost(np.array(truth), np.array(scores), costs)
    assert (found["threshold"], found["cost"]) == (pytest.approx(threshold, abs=1e-12), pytest.approx(cost))
    called = np.array(scores) >= found["threshold"]
    wrong = (called & (np.array(truth) == 0)) * costs["false_positive"]
    missed = (~called & (np.array(truth) == 1)) * costs["false_negative"]
    assert (wrong + missed).sum() / len(truth) == pytest.approx(cost)


def test_groups_are_decided_by_their_own_thresholds_and_others_by_the_common_one() -> None:
    decision: dict[str, Any] = {"threshold": 0.5, "groups": {"thresholds": {"m": 0.2, "f": 0.7}}}
    groups = np.array(["m", "f", "x"], dtype=object)
    assert decisions.by_group({"threshold": 0.5}, groups) == 0.5
    assert decisions.by_group(decision, None) == 0.5
    found = decisions.by_group(decision, groups)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [0.2, 0.7, 0.5]
    assert decisions.decided(both([0, 1]), None).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_curve_keeps_off_both_ends_by_what_the_rows_can_show() -> None:
    truth = np.array([0, 0, 0, 1, 1, 1])
    for method in ("isotonic", "sigmoid"):
        fitted = decisions.fit_calibration(truth, both(truth.tolist()), method)
        assert (fitted["method"], fitted["rows"], len(fitted["curves"])) == (method, 6, 1)
        made = decisions.calibrated(both([0, 1]), fitted)
        assert made[:, 1] == pytest.approx([1 / 8, 7 / 8], abs=1e-9)
        assert made.sum(axis=1) == pytest.approx([1.0, 1.0])
    never = decisions.fit_calibration(np.zeros(6, dtype=int), both([0, 1, 0, 1, 0, 1]), "sigmoid")
    assert (never["curves"][0]["slope"], never["curves"][0]["offset"]) == (1.0, 0.0)
    half = np.array([[0.5, 0.5]])
    assert decisions.calibrated(half, never)[0, 1] == pytest.approx(0.5)
    assert decisions.calibrated(half, None) is half


@pytest.mark.parametrize(("positives", "is_known"), [(4, False), (5, True)])
def test_a_gain_on_few_positives_is_unknown(positives: int, is_known: bool) -> None:
    truth = (np.arange(40) < positives).astype(np.int64)
    score = np.linspace(0.9, 0.1, 40)
    own, other = (np.stack([1 - one, one], axis=1) for one in (score, score[::-1]))
    found = intervals.gain(metric("roc_auc"), truth, own, other, {"level": 0.9, "resamples": 400})
    assert found["value"] == pytest.approx(1.0)
    assert (found["low"] is not None, found["high"] is not None) == (is_known, is_known)


@pytest.mark.parametrize("n", [7, 60, 100, 400])
@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_ranks_around_a_quantile_are_the_binomials(n: int, share: float, level: float) -> None:
    below = binom.cdf(np.arange(n), n, share)  # that at most so many lie below the quantile
    tail = (1 - level) / 2
    lows, highs = np.flatnonzero(below <= tail) + 1, np.flatnonzero(below >= 1 - tail) + 1
    expected = (int(lows[-1]) if len(lows) else None, int(highs[0]) if len(highs) else None)
    assert intervals.quantile_ranks(n, share, level) == expected


@pytest.mark.parametrize(
    ("truth", "classes", "reason"),
    [
        ([1, 1, 1], 2, "all 3 rows have the same class"),
        ([0, 1, 1], 3, "1 of 3 classes have no row"),
        ([1], 2, "there is one row"),
        ([], 2, "there are no rows"),
    ],
)
def test_a_metric_without_a_value_says_why(truth: list[int], classes: int, reason: str) -> None:
    prediction = np.full((len(truth), classes), 1 / classes)
    codes = np.array(truth, np.int64)
    found = intervals.measure(
        [("roc_auc", metric("roc_auc"))], codes, prediction, {"b": prediction}, level=0.9, resamples=9
    )
    score = found["metrics"]["roc_auc"]
    assert (score["value"], score["low"], score["high"], score["reason"]) == (None, None, None, reason)
    gate = verdict.by_interval("roc_auc at least 0.5", score, len(truth), 0.5, at_least=True)
    assert gate.verdict == "unknown"
    assert gate.reason == f"the metric is not defined on these {len(truth)} rows: {reason}"


def test_a_value_that_few_rows_carry_has_no_interval_and_its_gate_is_unknown_with_what_to_do() -> None:
    truth = np.arange(60) % 2
    sure = np.where(np.eye(2)[truth] == 1, 0.99, 0.01)
    sure[0] = sure[0][::-1]
    found = intervals.around(metric("log_loss"), truth, sure, 0.95, 100)
    assert found["value"] == pytest.approx((59 * -math.log(0.99) - math.log(0.01)) / 60)
    why = "few rows carry the loss: 1 of 60 are wrong, and 0.6 are to be expected; about 180 rows would do"
    assert (found["low"], found["high"], found["reason"]) == (None, None, why)
    gate = verdict.by_interval("log_loss at most 0.2", found, 60, 0.2, at_least=False)
    assert (gate.verdict, gate.reason) == ("unknown", f"0.08664 over 60 rows, without an interval: {why}")
    generator = np.random.default_rng(5)
    heavy = np.exp(2 * generator.standard_normal(300))
    found = intervals.around(metric("rmse"), heavy, np.zeros(300), 0.95, 100)
    assert found["reason"].startswith("few rows carry the error: it is spread like that of ")
    few = intervals.around(metric("roc_auc"), np.arange(40) % 20 // 19, both([0, 1] * 20), 0.95, 100)
    assert few["reason"] == "the rarer class has 2 rows, fewer than 5; about 100 rows would do"
