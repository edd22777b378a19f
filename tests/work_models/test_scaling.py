"""The learning curve: a law that is there is found, one that isn't is not claimed, and shares are what they say."""

import numpy as np
import polars as pl
import pytest

from mlspec.steps.evaluation.learning_curve import curve
from mlspec.steps.evaluation.learning_curve_point import share

SHARES = [0.1, 0.2, 0.4, 0.7, 1.0]
ROWS = [20_000 * share for share in SHARES]


def measured(law: tuple[float, float, float], noise: float, seed: int, repeats: int = 3) -> dict:
    """The curve of an area under ROC whose distance to 1 follows a law; shares have a part of their luck in common."""
    random = np.random.default_rng(seed)
    (a, b, c), luck = law, random.normal()
    values = [
        [
            1 - a - b * n**-c + noise * f**-0.4 * (f**0.5 * luck + (1 - f) ** 0.5 * random.normal())
            for _ in range(repeats)
        ]
        for f, n in zip(SHARES, ROWS, strict=True)
    ]
    return curve([[n] * repeats for n in ROWS], values, SHARES, best=1.0, greater_is_better=True, level=0.95)


def test_a_power_law_is_found_and_forecast() -> None:
    found = measured((0.05, 2.0, 0.5), 0.0002, 0)
    assert found["verdict"] == "gains"
    assert found["law"]["c"] == pytest.approx(0.5, abs=0.1)
    for ahead in found["forecasts"]:
        truth = 1 - 0.05 - 2.0 * ahead["rows"] ** -0.5
        assert ahead["value"] == pytest.approx(truth, abs=0.002)
        gain = truth - (1 - 0.05 - 2.0 * ROWS[-1] ** -0.5)
        assert ahead["gain"]["low"] <= ahead["gain"]["value"] <= ahead["gain"]["high"]
        assert ahead["gain"]["value"] == pytest.approx(gain, rel=0.25)


def test_the_interval_of_twice_the_rows_holds_the_truth_as_often_as_it_says() -> None:
    truth = 1 - 0.05 - 2.0 * (2 * ROWS[-1]) ** -0.5
    held = 0
    for seed in range(60):
        ahead = measured((0.05, 2.0, 0.5), 0.001, seed)["forecasts"][0]
        held += ahead["low"] <= truth <= ahead["high"]
    assert held >= 60 * 0.9


def test_no_gain_is_claimed_where_there_is_none() -> None:
    claimed = [measured((0.1, 0.0, 1.0), 0.002, seed)["verdict"] for seed in range(40)]
    assert claimed.count("gains") == 0
    assert "repetitions" in measured((0.1, 0.0, 1.0), 0.002, 1)["reason"]


def test_less_is_better_where_it_is() -> None:
    values = [[2 + 30 * n**-0.6, 2 + 31 * n**-0.6] for n in ROWS]
    found = curve([[n, n] for n in ROWS], values, SHARES, best=0.0, greater_is_better=False, level=0.9)
    values = [point["value"] for point in found["curve"]]
    assert values == sorted(values, reverse=True)
    assert all(point["low"] <= point["high"] for point in found["curve"])


def test_shares_are_nested_and_keep_classes_and_groups() -> None:
    classes = pl.Series(["rare"] * 20 + ["common"] * 180)
    small, large, other = (share(classes, f, False, n) for f, n in ((0.1, 0), (0.5, 0), (0.1, 1)))
    assert (large | ~small).all()
    assert (small[:20].sum(), small[20:].sum()) == (2, 18)
    assert (small != other).any()
    groups = pl.Series(np.repeat(np.arange(40), 5))
    mine = share(groups, 0.25, True, 0).reshape(40, 5)
    assert (mine.all(axis=1) | ~mine.any(axis=1)).all()
    assert mine.sum() == 50
