"""Splits: complete, disjoint, the same every time, and true to what they are named after."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.diagnostics import StepError
from mlspec.steps.data import parquet, split, splitters
from mlspec.steps.job import Job

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
        parquet.write(frame, folder / f"table.{name}")
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
    outputs = {name: folder / name for name in (*split.PARTS, "report")}
    inputs = {f"table.{name}": folder / f"table.{name}" for name in frames}
    split.run(Job(id="split", kind="split", params=params, inputs=inputs, outputs=outputs, scratch=folder, root=folder))
    return {name: pl.read_parquet(outputs[name])["id"].to_list() for name in split.PARTS}


@pytest.mark.parametrize(
    "how",
    [
        {"by": "random"},
        {"by": "stratified"},
        {"by": "group", "column": "who"},
        {"by": "hash", "column": "id"},
        {"by": "group", "column": "who", "stratify": "y"},
        {"by": "time", "column": "day"},
        {"by": "given", "column": "part"},
    ],
    ids=lambda how: how["by"],
)
def test_every_row_is_in_one_part_the_same_every_time(how: dict[str, Any], tmp_path: Path) -> None:
    found = parts(tmp_path / "one", **how)
    assert sorted(i for ids in found.values() for i in ids) == list(range(200))
    assert all(found.values())
    assert all(ids == sorted(ids) for ids in found.values()), "rows keep their order"
    assert parts(tmp_path / "two", **how) == found
    if how["by"] in ("random", "stratified", "group", "hash"):
        assert parts(tmp_path / "three", **how, seed=1) != found


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
    with pytest.raises(StepError, match="contains 'maybe' instead of train, validation or test"):
        parts(tmp_path / "strange", ROWS.with_columns(pl.lit("maybe").alias("part")), by="given", column="part")


def test_a_hash_follows_the_value_alone(tmp_path: Path) -> None:
    found = parts(tmp_path / "one", by="hash", column="day")
    assert not {i // 3 for i in found["train"]} & {i // 3 for i in found["test"] + found["validation"]}
    more = pl.concat([ROWS, ROWS.with_columns(pl.col("id") + 1000, pl.col("day") + 50)])
    grown = parts(tmp_path / "two", more.sample(fraction=1, shuffle=True, seed=1), by="hash", column="day")
    for name, ids in found.items():
        assert {i for i in grown[name] if i < 1000} == set(ids)
    assert parts(tmp_path / "three", by="hash", column="day", seed=1) != found
    holes = ROWS.with_columns(who=pl.when(pl.col("id") < 3).then(None).otherwise("who"))
    with pytest.raises(StepError, match=r"'who' is missing in 3 rows, they have no place in the split"):
        parts(tmp_path / "holes", holes, by="hash", column="who")


VALUES = st.one_of(st.lists(st.integers(-(2**40), 2**40), min_size=1), st.lists(st.text(max_size=5), min_size=1))


@given(values=VALUES, extra=VALUES, shares=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)), seed=st.integers(0, 2**40))
def test_rows_that_come_move_no_other_row_of_a_hash(
    values: list[Any], extra: list[Any], shares: tuple[float, float], seed: int
) -> None:
    test, validation = shares
    one = splitters.by_hash(pl.Series("k", values), test, validation, seed)
    if isinstance(values[0], int):
        as_numbers = pl.Series("k", values, dtype=pl.Float64)
        assert (splitters.by_hash(as_numbers, test, validation, seed) == one).all(), "a retyped key stays where it is"
    if type(values[0]) is type(extra[0]):
        other = splitters.by_hash(pl.Series("k", [*extra, *reversed(values)]), test, validation, seed)
        assert (other[len(extra) :][::-1] == one).all()
    wider = splitters.by_hash(pl.Series("k", values), test, min(1 - test, validation + 0.2), seed)
    assert ((wider == 2) == (one == 2)).all(), "the test rows do not depend on the validation share"


def test_the_shares_of_a_hash_are_met_in_expectation() -> None:
    found = splitters.by_hash(pl.Series("k", range(100_000)), 0.2, 0.1, 0)
    counts = [int((found == code).sum()) for code in range(3)]
    assert counts == pytest.approx([70_000, 10_000, 20_000], abs=450)  # 3.5 standard deviations


def test_whole_groups_keep_the_shares_of_the_target(tmp_path: Path) -> None:
    draw = np.random.Generator(np.random.PCG64(2))
    sizes = np.maximum(1, draw.pareto(1.2, 150) * 4).astype(int).clip(max=60)
    who = np.repeat(np.arange(150), sizes)
    rare = draw.random(150)[who] < 0.12  # whole groups have it: drawing groups at random misses its share
    rows = pl.DataFrame({"id": range(len(who)), "who": who, "y": np.where(rare, "rare", "often")})
    found = parts(tmp_path, rows, by="group", column="who", stratify="y")
    groups = [set(who[ids]) for ids in found.values()]
    assert not groups[0] & groups[1] | groups[0] & groups[2] | groups[1] & groups[2]
    for name, share in (("train", 0.7), ("validation", 0.1), ("test", 0.2)):
        assert len(found[name]) / len(who) == pytest.approx(share, abs=0.02)
        assert rare[found[name]].mean() == pytest.approx(rare.mean(), abs=0.03)


@given(
    days=st.lists(st.integers(0, 60), min_size=5, max_size=80),
    gap=st.integers(1, 10),
    shares=st.tuples(st.sampled_from([0.1, 0.3]), st.sampled_from([0.0, 0.2])),
    dates=st.booleans(),
)
def test_a_gap_lies_between_the_parts(days: list[int], gap: int, shares: tuple[float, float], dates: bool) -> None:
    column = pl.Series("day", days)
    if dates:
        column = pl.select(pl.date(2024, 1, 1) + pl.duration(days=column)).to_series().alias("day")
    params = {"by": "time", "column": "day", "test": shares[0], "validation": shares[1], "target": ["y", "category"]}
    random = np.random.Generator(np.random.PCG64(0))
    plain = split.assign(column.to_frame(), params, random)
    found = split.assign(column.to_frame(), {**params, "gap": gap * 86_400 if dates else gap}, random)
    moment = np.asarray(days)
    assert ((found == 2) == (plain == 2)).all(), "the test rows are those without a gap"
    for part in (0, 1):
        later = moment[plain > part]
        first = later.min() if len(later) else np.inf
        kept, gone = moment[found == part], moment[(plain == part) & (found == splitters.LEFT_OUT)]
        assert (first - kept >= gap).all()
        assert (first - gone < gap).all(), "no more than the gap is left out"


def test_rows_within_the_gap_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = parts(tmp_path, by="time", column="day", gap=2)
    days = [[i // 3 for i in found[name]] for name in split.PARTS]
    assert min(days[1]) - max(days[0]) == min(days[2]) - max(days[1]) == 2
    told = 200 - sum(map(len, found.values()))
    assert capsys.readouterr().out == f"{told:,} rows are within the gap and are left out\n"
    with pytest.raises(StepError, match=r"leaves no validation rows of 200: \d+ are within the gap"):
        parts(tmp_path / "wide", by="time", column="day", gap=30)


def test_rows_without_a_target_are_counted_and_left_out(tmp_path: Path) -> None:
    rows = ROWS.with_columns(pl.when(pl.col("id") % 8 > 0).then("y").alias("y"))
    found = parts(tmp_path, sources={"a": rows[:120], "b": rows[120:]})
    assert sorted(i for ids in found.values() for i in ids) == [i for i in range(200) if i % 8]
    assert json.loads((tmp_path / "report").read_bytes()) == {"rows": 200, "within_gap": 0, "without_target": 25}
    with pytest.raises(StepError, match=r"^none of 200 rows has a 'y'$"):
        parts(tmp_path, rows.with_columns(y=pl.lit(None, pl.String)))


def test_a_class_that_no_training_row_has_ends_the_run_before_training(tmp_path: Path) -> None:
    late = ROWS.with_columns(pl.when(pl.col("id") > 197).then(pl.lit("it's")).otherwise("y").alias("y"))
    said = """no training row has the 'y' 'it's', which 2 test rows have: .* data.filter: "\\\\"y\\\\" <> 'it''s'"$"""
    with pytest.raises(StepError, match=said):
        parts(tmp_path, late, by="time", column="day", classes=True)
    parts(tmp_path, late, by="time", column="day", classes=False)
    one = ROWS.with_columns(pl.when(pl.col("id") > 150).then("y").otherwise(pl.lit("often")).alias("y"))
    with pytest.raises(
        StepError, match=r"^all 138 training rows have the 'y' 'often': a model needs rows of two classes"
    ):
        parts(tmp_path, one, by="time", column="day", classes=True)


def test_too_few_groups_or_rows_for_all_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        StepError, match="leaves no validation rows of 200: 'y' has 2 values, and rows of one value stay"
    ):
        parts(tmp_path, by="group", column="y")
    with pytest.raises(StepError, match=r"leaves no validation rows of 4: 0\.1 of them is less than one; state larger"):
        parts(tmp_path, ROWS[:4])
