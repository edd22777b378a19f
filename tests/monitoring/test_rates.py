"""Undisturbed windows: each monitor fails in no more of 500 than it states, and fails where something is wrong."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from mlspec.metrics._intervals import proportion
from mlspec.monitoring import drift, quality, service
from mlspec.monitoring.findings import Finding
from mlspec.monitoring.labels import TRUTH
from mlspec.spec.operation.monitor import Monitor, ServedQuality, ServiceBounds, ShareCeiling
from mlspec.steps.serving.reference import GroupBound, MetricSketch, Numbers, Reference

Array = np.ndarray[Any, Any]

WINDOWS, RATE = 500, 0.02
MOST = 18  # of 500: more happens once in a hundred times at this rate
FEW = 100


def reference(**changes: Any) -> Reference:
    """A sketch of a model of two classes."""
    whole: dict[str, Any] = {
        "version": 1,
        "candidate": "linear",
        "task": "binary_classification",
        "target": "y",
        "target_type": "category",
        "classes": ("no", "yes"),
        "rows": 4000,
        "columns": (),
        "scores": Numbers((), (4000,)),
        "monitor": Monitor(),
    }
    return Reference(**whole | changes)


def test_drift_of_columns() -> None:
    """Ten columns of all shapes against a bound of 0, the hardest: chance alone is above it in half of the windows."""
    random = np.random.default_rng(3)
    shapes = [np.full(10, 0.1)] * 5 + [np.asarray([0.9, 0.07, 0.03])] * 2 + [_zipf(40)] * 3
    failed, over, plain = np.zeros(WINDOWS, dtype=bool), np.zeros(WINDOWS, dtype=bool), np.zeros(WINDOWS)
    for at, shape in enumerate(shapes):
        before, now = random.multinomial(4000, shape), random.multinomial(FEW, shape, WINDOWS)
        cells = drift.joined(before, FEW, ordered=at < 5)
        value, low, _high = drift.psi(*drift.together(cells, before, now), tail=RATE / len(shapes))
        failed |= low > 0
        over |= low > 0.1
        plain = np.maximum(plain, value)
    assert failed.sum() <= MOST
    assert over.sum() == 0
    assert (plain > 0.1).mean() > 0.1  # a bound on the value itself would raise an alarm in so many


def test_a_shift_of_one_column_is_seen() -> None:
    random = np.random.default_rng(4)
    before = random.multinomial(4000, np.full(10, 0.1))
    moved = np.linspace(0.04, 0.16, 10)
    now = random.multinomial(1000, moved, WINDOWS)
    _value, low, high = drift.psi(before, now, tail=RATE / 20)
    true = float(((moved - 0.1) * np.log(moved / 0.1)).sum())
    assert (low > 0.05).mean() > 0.95
    assert ((low <= true) & (true <= high)).mean() > 0.98
    # Chance alone adds 9 (1/100 + 1/4000) = 0.092, which is taken off.
    quiet, _low, _high = drift.psi(before, random.multinomial(FEW, np.full(10, 0.1), WINDOWS), tail=RATE / 20)
    assert quiet.mean() < 0.03


def test_shares_of_rows() -> None:
    """Missing, unseen and out-of-range cells are shares: their interval fails only where a share is above its bound."""
    random = np.random.default_rng(5)
    counts = random.binomial(1000, 0.01, WINDOWS)
    assert sum(proportion(count, 1000, 1 - 2 * RATE)[0] > 0.01 for count in counts.tolist()) <= MOST
    assert proportion(40, 1000, 1 - 2 * RATE)[0] > 0.01


@pytest.mark.slow
def test_service() -> None:
    """Requests whose 99th percentile and error share are exactly at their bounds."""
    random = np.random.default_rng(6)
    times = np.exp(random.normal(size=(WINDOWS, 1000)) + 1)
    bounds = ServiceBounds(p99=float(np.exp(1 + 2.3263) / 1e3), errors=ShareCeiling(at_most=0.01))
    failing = random.uniform(size=(WINDOWS, 1000)) < 0.01
    verdicts = [_served(bounds, own, errors) for own, errors in zip(times, failing, strict=True)]
    assert sum(any(one.verdict == "fail" for one in found) for found in verdicts) <= MOST
    slow, broken = _served(bounds, times[0] * 1.5, failing[0] | (random.uniform(size=1000) < 0.03))
    assert (slow.verdict, broken.verdict) == ("fail", "fail")


@pytest.mark.slow
def test_quality_with_labels() -> None:
    """A model whose accuracy is exactly at its bound."""
    random = np.random.default_rng(7)
    known = reference(
        metrics={"accuracy": MetricSketch({}, 0.8, 0.78, 0.82)},
        monitor=Monitor(quality=(ServedQuality(metric="accuracy", at_least=0.8),)),
    )
    windows = random.uniform(size=(WINDOWS, 300)) < 0.8
    found = [quality.judged(known, _answered(right), RATE, "")[0].verdict for right in windows]
    assert found.count("fail") <= MOST
    assert quality.judged(known, _answered(random.uniform(size=300) < 0.6), RATE, "")[0].verdict == "fail"


@pytest.mark.slow
def test_estimated_quality_never_passes() -> None:
    """Probabilities whose expected accuracy is exactly at the bound, and far above it."""
    random = np.random.default_rng(8)
    stated = 0.5 + 0.5 * random.beta(3, 1, (WINDOWS, 200))
    expected = 0.5 + 0.5 * 3 / 4
    sketch = MetricSketch({}, expected, expected - 0.005, expected + 0.005, expected)

    def verdicts(bound: float, rows: "Array") -> list[Finding]:
        known = reference(
            metrics={"accuracy": sketch},
            monitor=Monitor(quality=(ServedQuality(metric="accuracy", at_least=bound, estimated=True),)),
        )
        return [quality.guessed(known, _stated(own), RATE)[0] for own in rows]

    assert [one.verdict for one in verdicts(expected, stated)].count("fail") <= MOST
    (sure,) = verdicts(0.5, stated[:1])
    assert sure.verdict == "unknown"
    assert sure.low is not None
    assert sure.low > 0.5
    assert sure.estimated
    (unsure,) = verdicts(expected, 0.5 + (stated[:1] - 0.5) / 3)
    assert unsure.verdict == "fail"


@pytest.mark.slow
def test_fairness_and_ranking() -> None:
    """Groups that differ by exactly the bound; a ranking whose area is exactly at its own."""
    random = np.random.default_rng(9)
    bound = GroupBound("demographic_parity_difference", ("sex",), 30, at_most=0.1)
    known = reference(
        fairness=(bound,),
        metrics={"roc_auc": MetricSketch({}, 0.8, 0.78, 0.82)},
        monitor=Monitor(fairness=True, quality=(ServedQuality(metric="roc_auc", at_least=0.760250),)),
    )
    failed = {"fairness": 0, "quality": 0}
    for _ in range(WINDOWS):
        first = random.uniform(size=400) < 0.5
        called = random.uniform(size=400) < np.where(first, 0.5, 0.4)
        truth = random.uniform(size=400) < 0.5
        score = 1 / (1 + np.exp(-random.normal(size=400) - truth))  # AUC: Phi(1 / sqrt 2)
        rows = _rows(score, called, truth).with_columns(pl.Series("input.sex", np.where(first, "f", "m")))
        for one in (*quality.between_groups(known, rows, RATE, ""), *quality.judged(known, rows, RATE, "")):
            failed[one.monitor] += one.verdict == "fail"
    assert max(failed.values()) <= MOST


def _zipf(count: int) -> "Array":
    weights = 1 / np.arange(1, count + 1)
    return np.asarray(weights / weights.sum())


def _served(bounds: ServiceBounds, times: "Array", failed: "Array") -> list[Finding]:
    frame = pl.DataFrame({"milliseconds": times, "status": np.where(failed, "failed", "ok")})
    return service.judged(bounds, frame, RATE)


def _rows(score: "Array", called: "Array", truth: "Array") -> "pl.DataFrame":
    return pl.DataFrame(
        {
            "probability.no": 1 - score,
            "probability.yes": score,
            "prediction": np.where(called, "yes", "no"),
            TRUTH: np.where(truth, "yes", "no"),
        }
    )


def _answered(right: "Array") -> "pl.DataFrame":
    return _rows(np.full(len(right), 0.9), np.ones(len(right), dtype=bool), right)


def _stated(probability: "Array") -> "pl.DataFrame":
    return _rows(probability, np.ones(len(probability), dtype=bool), np.ones(len(probability), dtype=bool))
