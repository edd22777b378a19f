"""From probabilities to decisions: the threshold of least cost, recalibration, abstaining, what is shown of them."""

import json

import numpy as np
import pytest

from mlspec.metrics import _resampling
from mlspec.steps.evaluation import curves, decisions


def sampled(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth, and the right probability of it."""
    generator = np.random.default_rng(seed)
    chance = generator.beta(0.7, 1.5, n)
    return (generator.uniform(0, 1, n) < chance).astype(np.int64), chance


def both(positive: np.ndarray) -> np.ndarray:
    return np.stack([1 - positive, positive], axis=1)


def test_the_threshold_is_the_cheapest_of_all_there_are() -> None:
    truth, score = np.array([0, 1, 0, 1, 1]), np.array([0.1, 0.3, 0.4, 0.6, 0.9])
    found = decisions.least_cost(truth, score, {"false_positive": 1.0, "false_negative": 5.0})
    assert found == {"threshold": pytest.approx(0.2), "cost": pytest.approx(1 / 5), "reason": None}
    found = decisions.least_cost(truth, score, {"false_positive": 5.0, "false_negative": 1.0})
    assert found == {"threshold": pytest.approx(0.5), "cost": pytest.approx(1 / 5), "reason": None}
    for seed in range(20):
        truth, score = sampled(60, seed)
        score = np.round(score, 1)
        costs = {"false_positive": 2.0, "false_negative": 3.0}
        every = [
            (2.0 * ((score >= t) & (truth == 0)).sum() + 3.0 * ((score < t) & (truth == 1)).sum()) / 60
            for t in np.linspace(-0.05, 1.05, 23)
        ]
        found = decisions.least_cost(truth, score, costs)
        assert found["cost"] == pytest.approx(min(every))
        called = score >= found["threshold"]
        own = (2.0 * (called & (truth == 0)).sum() + 3.0 * (~called & (truth == 1)).sum()) / 60
        assert own == pytest.approx(found["cost"])


def test_with_many_rows_it_is_what_right_probabilities_call_for() -> None:
    truth, score = sampled(200_000)
    found = decisions.least_cost(truth, score, {"false_positive": 1.0, "false_negative": 4.0})
    assert found["threshold"] == pytest.approx(0.2, abs=0.02)


def test_what_must_be_reached_bounds_the_choice_and_what_cannot_be_is_said() -> None:
    truth, score = sampled(500)
    costs = {"false_positive": 9.0, "false_negative": 1.0}
    free = decisions.least_cost(truth, score, costs)
    bound = decisions.least_cost(truth, score, {**costs, "recall": {"at_least": 0.95}})
    assert bound["threshold"] < free["threshold"]
    assert ((score >= bound["threshold"]) & (truth == 1)).sum() >= 0.95 * (truth == 1).sum()
    neither = {**costs, "recall": {"at_least": 0.99}, "precision": {"at_least": 0.99}}
    found = decisions.least_cost(truth, score, neither)
    assert found["threshold"] is None
    assert found["reason"] == "no threshold reaches recall 0.99 and precision 0.99 on the 500 validation rows"


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
@pytest.mark.parametrize("classes", [2, 3])
def test_recalibration_corrects_what_is_overbold_and_survives_json(method: str, classes: int) -> None:
    generator = np.random.default_rng(5)
    honest = generator.dirichlet(np.ones(classes), 6000)
    truth = (honest.cumsum(axis=1) < generator.uniform(0, 1, (6000, 1))).sum(axis=1)
    bold = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    fitted = decisions.fit_calibration(truth[:3000], bold[:3000], method)
    repaired = decisions.calibrated(bold[3000:], json.loads(json.dumps(fitted)))
    assert repaired.sum(axis=1) == pytest.approx(np.ones(3000))
    assert 0 < repaired.min() < repaired.max() < 1, "n rows can't show that something never happens"

    def error(prediction: np.ndarray) -> float:
        stated, happened = _resampling.confidence(truth[3000:], prediction)
        codes = _resampling.equal_bins(stated, 10)
        return float(np.abs(np.bincount(codes, stated - happened)).sum() / 3000)

    assert error(repaired) < 0.04 < 0.12 < error(bold[3000:])
    assert decisions.calibrated(bold, None) is bold


def test_a_decision_is_the_threshold_or_the_most_probable() -> None:
    prediction = both(np.array([0.1, 0.3, 0.5, 0.9]))
    assert decisions.decided(prediction, 0.3).argmax(axis=1).tolist() == [0, 1, 1, 1]
    assert decisions.decided(prediction, None).argmax(axis=1).tolist() == [0, 0, 0, 1]


def test_confusion_cost_and_abstaining_add_up() -> None:
    truth, score = sampled(4000)
    prediction, costs = both(score), {"false_positive": 1.0, "false_negative": 5.0}
    decided = decisions.decided(prediction, 0.2)
    found = curves.decisions(truth, prediction, decided, threshold=0.2, abstain_below=0.8, costs=costs, level=0.95)
    (right_no, wrong_yes), (wrong_no, right_yes) = found["confusion"]
    assert right_no + wrong_yes + wrong_no + right_yes == 4000
    assert right_yes == int((decided[:, 1].astype(bool) & (truth == 1)).sum())
    at = dict(map(tuple, found["cost_curve"]))[0.2]
    assert at == pytest.approx((wrong_yes + 5 * wrong_no) / 4000)
    kept = prediction.max(axis=1) >= 0.8
    coverage, risk = found["abstention"]["coverage"], found["abstention"]["risk"]
    assert coverage["value"] == pytest.approx(kept.mean())
    assert coverage["low"] < coverage["value"] < coverage["high"]
    assert risk["value"] == pytest.approx((decided.argmax(axis=1) != truth)[kept].mean())
    assert (coverage["n"], risk["n"]) == (4000, int(kept.sum()))
    assert found["abstention"]["curve"][-1][1:] == [1.0, pytest.approx((wrong_yes + wrong_no) / 4000)]
    bins = curves.reliability(truth, prediction, 0.95)
    assert sum(entry["n"] for entry in bins) == 4000
    assert sum(entry["low"] <= entry["predicted"] <= entry["high"] for entry in bins) >= 8
