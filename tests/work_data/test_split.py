"""Splits: complete, disjoint, the same every time, and true to what they are named after."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlspec.diagnostics import StepError
from mlspec.engine import tables
from mlspec.engine.job import Job
from mlspec.engine.work import split

ROWS = pl.DataFrame(
    {
        "id": range(200),
        "y": ["rare" if i % 10 == 0 else "often" for i in range(200)],
        "who": [f"p{i % 17}" for i in range(200)],
        "day": [i // 3 for i in range(200)],
        "part": ["test" if i % 4 == 0 else "train" for i in range(200)],
    }
)


def parts(
    folder: Path, rows: pl.DataFrame = ROWS, sources: dict[str, pl.DataFrame] | None = None, **given: Any
) -> dict[str, list[int]]:
    """The ids in each part."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = sources or {"all": rows}
    for name, frame in frames.items():
        tables.write(frame, folder / f"table.{name}")
    params = {
        "by": "random",
        "column": None,
        "test": 0.2,
        "validation": 0.1,
        "seed": 0,
        "parts": {},
        "target": ["y", "category"],
        "sample": None,
        **given,
    }
    outputs = {name: folder / name for name in split.PARTS}
    inputs = {f"table.{name}": folder / f"table.{name}" for name in frames}
    split.run(Job(id="split", kind="split", params=params, inputs=inputs, outputs=outputs, scratch=folder, root=folder))
    return {name: pl.read_parquet(path)["id"].to_list() for name, path in outputs.items()}


@pytest.mark.parametrize(
    "given",
    [
        {"by": "random"},
        {"by": "stratified"},
        {"by": "group", "column": "who"},
        {"by": "time", "column": "day"},
        {"by": "given", "column": "part"},
    ],
    ids=lambda given: given["by"],
)
def test_every_row_is_in_one_part_the_same_every_time(given: dict[str, Any], tmp_path: Path) -> None:
    found = parts(tmp_path / "one", **given)
    assert sorted(i for ids in found.values() for i in ids) == list(range(200))
    assert all(found.values())
    assert all(ids == sorted(ids) for ids in found.values()), "rows keep their order"
    assert parts(tmp_path / "two", **given) == found
    if given["by"] in ("random", "stratified", "group"):
        assert parts(tmp_path / "three", **given, seed=1) != found


def test_stratified_parts_keep_the_shares(tmp_path: Path) -> None:
    for ids in parts(tmp_path, by="stratified").values():
        assert sum(i % 10 == 0 for i in ids) == len(ids) // 10


def test_a_group_never_straddles(tmp_path: Path) -> None:
    found = parts(tmp_path, by="group", column="who")
    groups = [{i % 17 for i in ids} for ids in found.values()]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert 20 <= len(found["test"]) <= 60


def test_time_goes_forward_and_a_moment_stays_whole(tmp_path: Path) -> None:
    shuffled = ROWS.sample(fraction=1, shuffle=True, seed=3)
    found = parts(tmp_path, shuffled, by="time", column="day")
    days = [{i // 3 for i in found[name]} for name in split.PARTS]
    assert max(days[0]) < min(days[1]) <= max(days[1]) < min(days[2])


def test_given_by_the_sources(tmp_path: Path) -> None:
    sources = {"a": ROWS[:150], "b": ROWS[150:]}
    found = parts(tmp_path, sources=sources, by="given", parts={"a": "train", "b": "test"}, validation=0.1)
    assert found["test"] == list(range(150, 200))
    assert len(found["validation"]) == 15


def test_a_sample_and_rows_without_a_target(tmp_path: Path) -> None:
    assert sum(map(len, parts(tmp_path / "sample", sample=50).values())) == 50
    holes = ROWS.with_columns(pl.when(pl.col("id") < 20).then(None).otherwise(pl.col("y")).alias("y"))
    assert min(min(ids) for ids in parts(tmp_path / "holes", holes).values()) == 20


def test_what_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="leaves no test rows"):
        parts(tmp_path / "empty", test=0.0)
    with pytest.raises(StepError, match="says 'maybe' where train, validation or test should stand"):
        parts(tmp_path / "strange", ROWS.with_columns(pl.lit("maybe").alias("part")), by="given", column="part")
