"""Slices: how rows are cut, and that the search finds a planted slice and none where there is none."""

import datetime

import numpy as np
import polars as pl

from mlspec.steps.evaluation import slices


def table(n: int, seed: int = 0) -> pl.DataFrame:
    generator = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": generator.integers(18, 90, n),
            "job": generator.choice(["cook", "judge", "poet", "smith"], n),
            "sex": generator.choice(["f", "m"], n),
            **{f"other{i}": generator.choice(list("abcd"), n) for i in range(6)},
        }
    )


def test_values_are_levels_and_numbers_are_quarters() -> None:
    rows = pl.DataFrame(
        {
            "kind": ["b", "a", "b", None] * 5,
            "number": [float(i) for i in range(19)] + [None],
            "few": [0, 1] * 10,
            "day": [datetime.date(2024, 1, 1) + datetime.timedelta(days=i) for i in range(20)],
        }
    )
    assert slices.levels(rows["kind"])[1] == ["b", "a", "missing"]
    codes, names = slices.levels(rows["number"])
    assert names == ["0 to 4", "5 to 9", "10 to 13", "14 to 18", "missing"]
    assert np.bincount(codes).tolist() == [5, 5, 4, 5, 1]
    assert slices.levels(rows["few"])[1] == ["0", "1"]
    assert slices.levels(rows["day"])[1][0] == "2024-01-01 to 2024-01-05"
    codes, values = slices.groups(rows, ["few", "kind"])
    assert sorted(map(tuple, values)) == [("0", "b"), ("1", "a"), ("1", "missing")]
    assert [values[code] for code in codes[:4]] == [["0", "b"], ["1", "a"], ["0", "b"], ["1", "missing"]]
    many = pl.Series([f"v{i % 70:02}" for i in range(700)])
    assert slices.levels(many)[1][-1] == "other values"


def test_a_slice_of_few_rows_is_not_judged() -> None:
    rows = pl.DataFrame({"kind": ["a"] * 40 + ["b"] * 10})
    (found,) = slices.measured(rows, [["kind"]], 30, lambda mine: {"rows": len(mine)})
    assert found["slices"] == [
        {"values": ["a"], "rows": 40, "metrics": {"rows": 40}},
        {"values": ["b"], "rows": 10, "metrics": None},
    ]


def test_the_search_finds_a_planted_slice_of_two_columns() -> None:
    rows = table(6000)
    errors = np.random.default_rng(1).beta(1, 6, 6000)
    planted = ((rows["job"] == "judge") & (rows["sex"] == "f")).to_numpy()
    found = slices.worst(rows, rows.columns, errors + 0.2 * planted, 30, 0.95)
    first = found["slices"][0]
    assert (first["columns"], first["values"]) == (["job", "sex"], ["judge", "f"])
    assert first["low"] > 0.1
    assert first["low"] <= 0.2 <= first["high"]
    assert first["rows"] == int(planted.sum())


def test_where_nearly_all_rows_err_a_slice_of_errors_alone_is_no_worse() -> None:
    rows = table(400, 0)
    for seed in range(5):
        errors = (np.random.default_rng(seed).random(400) < 0.95).astype(float)
        assert slices.worst(rows, rows.columns, errors, 30, 0.95)["slices"][0]["low"] <= 0


def test_where_errors_are_alike_everywhere_no_slice_is_shown_to_be_worse() -> None:
    alarms = 0
    for seed in range(20):
        rows = table(2000, seed)
        found = slices.worst(rows, rows.columns, np.random.default_rng(seed + 100).beta(1, 6, 2000), 30, 0.95)
        assert found["looked_at"] > 300
        alarms += found["slices"][0]["low"] > 0
    assert alarms <= 2
