"""Differences between groups: fairlearn's values, intervals that hold what they promise, gates that reject."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlspec.steps import results
from mlspec.steps.evaluation import gate
from mlspec.steps.job import Job
from mlspec.steps.trust import fairness

RATES = ("selection_rate", "true_positive_rate", "false_positive_rate")


def people(n: int, seed: int, rates: dict[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group codes, truth, and who is called positive; the groups' rates differ for positives alone."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, len(rates), n)
    truth = generator.integers(0, 2, n)
    chance = np.where(truth == 1, np.asarray(list(rates.values()))[codes], 0.2)
    return codes, truth, generator.uniform(0, 1, n) < chance


def measured(metric: str, data: tuple[np.ndarray, np.ndarray, np.ndarray], fewest: int = 2) -> dict[str, Any]:
    codes, truth, called = data
    groups = fairness.table(codes, [[chr(97 + code)] for code in range(int(codes.max()) + 1)], truth, called)
    return fairness.compare(metric, groups, fewest, 0.95)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("metric", list(fairness.RATES))
def test_values_are_fairlearns(metric: str) -> None:
    library = pytest.importorskip("fairlearn.metrics")
    for seed in range(3):
        codes, truth, called = people(900, seed, {"a": 0.9, "b": 0.7, "c": 0.5})
        expected = getattr(library, metric)(truth, called.astype(int), sensitive_features=codes)
        assert measured(metric, (codes, truth, called))["value"] == pytest.approx(expected)


def test_values_by_hand() -> None:
    truth = np.array([1, 1, 0, 0, 1, 1, 0, 0])
    called = np.array([1, 1, 1, 0, 1, 0, 0, 0]).astype(bool)
    data = (np.array([0, 0, 0, 0, 1, 1, 1, 1]), truth, called)
    assert measured("demographic_parity_difference", data)["value"] == pytest.approx(0.5)
    assert measured("demographic_parity_ratio", data)["value"] == pytest.approx(1 / 3)
    assert measured("equal_opportunity_difference", data)["value"] == pytest.approx(0.5)
    assert measured("equalized_odds_difference", data)["value"] == pytest.approx(0.5)


@pytest.mark.parametrize("metric", ["equal_opportunity_difference", "equalized_odds_difference"])
@pytest.mark.parametrize("rates", [{"a": 0.7, "b": 0.7}, {"a": 0.9, "b": 0.8, "c": 0.8, "d": 0.75}])
def test_the_interval_holds_the_true_difference_as_often_as_it_says(metric: str, rates: dict[str, float]) -> None:
    true = max(rates.values()) - min(rates.values())
    found = [measured(metric, people(600, seed, rates)) for seed in range(200)]
    assert np.mean([entry["low"] <= true <= entry["high"] for entry in found]) >= 0.93
    assert all(0 <= entry["low"] <= entry["value"] <= entry["high"] <= 1 for entry in found)


def test_the_ratios_interval_holds_the_true_ratio() -> None:
    rates = {"a": 0.8, "b": 0.6}
    true = (0.6 + 0.2) / (0.8 + 0.2)
    found = [measured("demographic_parity_ratio", people(800, seed, rates)) for seed in range(200)]
    assert np.mean([entry["low"] <= true <= entry["high"] for entry in found]) >= 0.93
    assert all(0 <= entry["low"] <= entry["value"] <= entry["high"] <= 1 for entry in found)


def test_rates_of_nil_have_an_interval_too() -> None:
    for counts in itertools.product((0, 30), repeat=2):
        groups = [
            {"values": [name], "rows": 30, **{rate: [count, 30] for rate in RATES}}
            for name, count in zip("ab", counts, strict=True)
        ]
        for metric in fairness.RATES:
            found = fairness.compare(metric, groups, 2, 0.95)
            assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1
            assert found["low"] < found["high"]


def verdict(folder: Path, data: tuple[np.ndarray, np.ndarray, np.ndarray], **bounds: float) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "metric": "demographic_parity_ratio" if "at_least" in bounds else "equal_opportunity_difference",
        "group": ["group"],
        "minimum_rows": 30,
    }
    entry = {**asked, **measured(asked["metric"], data, 30)}
    results.write_json(folder / "metrics", {"rows": len(data[0]), "fairness": [entry]})
    gate.run(
        Job(
            id="gate.test",
            kind="gate",
            params={"of": "fairness", **asked, **bounds},
            inputs={"metrics": folder / "metrics"},
            outputs={"verdict": folder / "verdict"},
            scratch=folder,
            root=folder,
        )
    )
    found: dict[str, Any] = results.read_json(folder / "verdict")
    return found


def test_a_gate_passes_fails_and_owns_up(tmp_path: Path) -> None:
    unfair = people(4000, 0, {"a": 0.9, "b": 0.6})
    fair = people(4000, 0, {"a": 0.8, "b": 0.8})
    assert verdict(tmp_path, fair, at_most=0.1)["verdict"] == "pass"
    failed = verdict(tmp_path, unfair, at_most=0.1)
    assert (failed["verdict"], failed["requirement"]) == ("fail", "equal_opportunity_difference by group at most 0.1")
    assert failed["reason"].endswith("the whole interval is above 0.1 (largest between a and b)")
    assert verdict(tmp_path, fair, at_least=0.85)["verdict"] == "pass"
    assert verdict(tmp_path, unfair, at_least=0.85)["verdict"] == "fail"
    assert verdict(tmp_path, tuple(part[:300] for part in fair), at_most=0.1)["verdict"] == "unknown"  # type: ignore[arg-type]


def test_a_group_of_few_rows_leaves_open_what_the_others_pass_and_not_what_they_fail(tmp_path: Path) -> None:
    def with_a_few(data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Any:
        codes, truth, called = data
        return (
            np.concatenate([codes, np.full(20, 2)]),
            np.concatenate([truth, truth[:20]]),
            np.concatenate([called, called[:20]]),
        )

    found = verdict(tmp_path, with_a_few(people(4000, 0, {"a": 0.8, "b": 0.8})), at_most=0.1)
    assert found["verdict"] == "unknown"
    assert found["reason"].startswith("too few rows to judge c (fewer than 30); the others: ")
    assert verdict(tmp_path, with_a_few(people(4000, 0, {"a": 0.9, "b": 0.6})), at_most=0.1)["verdict"] == "fail"
    alone = verdict(tmp_path, people(40, 0, {"a": 0.9, "b": 0.9}), at_most=0.1)
    assert (alone["verdict"], alone["value"]) == ("unknown", None)
