"""What is reported about the training rows, and what is not."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from mlspec.report.facts.profile import balance, profiled
from mlspec.report.facts.profile_facts import ClassBalance, ColumnProfile, CommonValue
from mlspec.report.facts.run import ColumnFact


def profile(tmp_path: Path, values: list[object], kind: str = "category", role: str = "feature") -> ColumnProfile:
    file = tmp_path / "rows.parquet"
    pl.DataFrame({"c": values}, strict=False).write_parquet(file)
    (column,) = profiled(file, (ColumnFact("c", kind, role),))
    assert column.profile is not None
    return column.profile


def test_numbers_have_quantiles_and_bins(tmp_path: Path) -> None:
    found = profile(tmp_path, [*range(101), None], "integer")
    assert found.quantiles == (0.0, 25.0, 50.0, 75.0, 100.0)
    assert found.mean == 50.0
    assert found.bins == (10, 10, 10, 10, 10, 10, 10, 10, 10, 11)
    assert found.missing == pytest.approx(1 / 102)


def test_only_values_that_many_rows_have_are_reported(tmp_path: Path) -> None:
    found = profile(tmp_path, ["often"] * 12 + ["rarely"] * 9 + [None] * 3)
    assert found == ColumnProfile(missing=0.125, distinct=2, common=(CommonValue("often", 12),))


@pytest.mark.parametrize("role", ["sensitive", "id", "key", "unused", "dropped"])
@pytest.mark.parametrize("values", [["Ada"] * 20, [3.5] * 20, [date(1980, 1, 2)] * 20])
def test_of_other_columns_no_value_is_reported(role: str, values: list[object], tmp_path: Path) -> None:
    assert profile(tmp_path, values, role=role) == ColumnProfile(missing=0.0, distinct=1)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([None] * 4, ColumnProfile(missing=1.0, distinct=0)),
        ([float("nan"), float("inf"), None, None], ColumnProfile(missing=0.5)),
        (
            [date(2020, 1, 2), date(2021, 3, 4)],
            ColumnProfile(missing=0.0, distinct=2, first="2020-01-02", last="2021-03-04"),
        ),
        ([True] * 15, ColumnProfile(missing=0.0, distinct=1, common=(CommonValue("true", 15),))),
    ],
)
def test_odd_columns(values: list[object], told: ColumnProfile, tmp_path: Path) -> None:
    assert profile(tmp_path, values) == told


def test_the_balance_of_the_classes_in_each_part(tmp_path: Path) -> None:
    parts = {}
    for part, values in (("train", ["a"] * 3 + ["b"] * 5), ("test", ["b", "c"])):
        parts[part] = tmp_path / part
        pl.DataFrame({"y": values}).write_parquet(parts[part])
    assert balance(parts, "y") == (
        ClassBalance("b", {"train": 5, "test": 1}),
        ClassBalance("a", {"train": 3, "test": 0}),
        ClassBalance("c", {"train": 0, "test": 1}),
    )
