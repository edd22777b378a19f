"""Folds: every row is held out once, and nothing of a held-out row is in what it is predicted by."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlspec.diagnostics import StepError
from mlspec.steps.data import fold
from mlspec.steps.job import Job

ROWS = pl.DataFrame(
    {
        "row": range(100),
        "day": [i // 4 for i in range(100)],
        "who": [f"p{i % 13}" for i in range(100)],
        "late": ["yes" if i >= 90 else "no" for i in range(100)],
        "y": ["rare" if i % 20 == 0 else "often" for i in range(100)],
    }
)


def cut(tmp_path: Path, number: int, every: pl.DataFrame = ROWS, **params: Any) -> dict[str, pl.DataFrame]:
    for part, rows in (
        ("train", every.filter(pl.col("row") % 10 != 3)),
        ("validation", every.filter(pl.col("row") % 10 == 3)),
    ):
        rows.write_parquet(tmp_path / part)
    given = {
        "fold": number,
        "folds": 5,
        "by": "random",
        "column": None,
        "seed": 0,
        "validation": 0.1,
        "target": ["y", "category"],
        "task": "binary_classification",
    }
    outputs = {part: tmp_path / f"{part}-{number}" for part in ("train", "validation", "heldout")}
    fold.run(
        Job(
            id="fold.1",
            kind="fold",
            params=given | params,
            inputs={part: tmp_path / part for part in ("train", "validation")},
            outputs=outputs,
            scratch=tmp_path,
            root=tmp_path,
        )
    )
    return {part: pl.read_parquet(path) for part, path in outputs.items()}


@pytest.mark.parametrize(
    "how", [{"by": "random"}, {"by": "stratified", "column": "y"}, {"by": "group", "column": "who"}]
)
def test_every_row_is_held_out_once_and_never_where_it_is_trained_on(how: dict[str, Any], tmp_path: Path) -> None:
    held: list[int] = []
    for number in range(1, 6):
        parts = cut(tmp_path, number, **how)
        rows = {part: set(table["row"]) for part, table in parts.items()}
        assert sorted(set.union(*rows.values())) == list(range(100))
        assert sum(map(len, rows.values())) == 100
        assert len(rows["validation"]) > 0
        held += rows["heldout"]
        if how["by"] == "stratified":
            assert parts["heldout"]["y"].to_list().count("rare") == 1
        if how["by"] == "group":
            assert not set(parts["heldout"]["who"]) & set(parts["train"]["who"])
            assert not set(parts["validation"]["who"]) & set(parts["train"]["who"])
    assert sorted(held) == list(range(100))


def test_time_trains_on_what_lies_before(tmp_path: Path) -> None:
    sizes = []
    for number in range(1, 6):
        parts = cut(tmp_path, number, by="time", column="day", target=["row", "integer"], task="regression")
        assert max(parts["train"]["day"]) < min(parts["validation"]["day"])
        assert max(parts["validation"]["day"]) < min(parts["heldout"]["day"])
        sizes.append(parts["train"].height)
    assert sizes == sorted(sizes)


def test_a_gap_lies_before_what_is_held_out(tmp_path: Path) -> None:
    for number in range(2, 6):
        parts = cut(tmp_path, number, by="time", column="day", gap=2, target=["row", "integer"], task="regression")
        assert min(parts["validation"]["day"]) - max(parts["train"]["day"]) == 2
        assert min(parts["heldout"]["day"]) - max(parts["validation"]["day"]) == 2


def test_whole_groups_with_even_shares(tmp_path: Path) -> None:
    rare = [cut(tmp_path, k, by="group", column="who", stratify="y")["heldout"]["y"].to_list() for k in range(1, 6)]
    assert sum(map(len, rare)) == 100
    assert max(map(len, rare)) - min(map(len, rare)) <= 9, "groups have seven or eight rows"
    assert [rows.count("rare") for rows in rare] == [1] * 5


def test_a_class_without_training_rows_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="no training row of fold 1 has the class 'yes'"):
        cut(tmp_path, 1, by="time", column="day", target=["late", "category"])
    with pytest.raises(StepError, match="'day' has 25 values for 400 folds"):
        cut(tmp_path, 1, by="time", column="day", target=["late", "category"], folds=400)


@pytest.mark.parametrize("by", ["random", "stratified"])
def test_a_class_of_one_row_is_trained_on_and_never_held_out(by: str, tmp_path: Path) -> None:
    rows = ROWS.with_columns(pl.when(pl.col("row") == 40).then(pl.lit("one")).otherwise("y").alias("y"))
    cuts = [cut(tmp_path, number, rows, by=by, column="y" if by == "stratified" else None) for number in range(1, 6)]
    assert all(40 in parts["train"]["row"] for parts in cuts)
    held = sorted(row for parts in cuts for row in parts["heldout"]["row"])
    assert held == [row for row in range(100) if row != 40]


def test_fewer_rows_groups_or_days_than_folds_are_named(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"^'who' has 13 values for 14 folds: use fewer folds$"):
        cut(tmp_path, 1, by="group", column="who", folds=14)
    with pytest.raises(StepError, match=r"^'day' has 25 values for 25 folds, and time needs one more than folds"):
        cut(tmp_path, 1, by="time", column="day", folds=25)
