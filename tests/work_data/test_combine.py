"""Joins, derived columns and the filter: right rows, in their order, and nothing that a row could not have known."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.diagnostics import StepError
from mlspec.steps.data import combine
from mlspec.steps.job import Job

DAY = dt.date(2024, 1, 1)


def made(folder: Path, rows: pl.DataFrame, columns: list[str], **params: Any) -> pl.DataFrame:
    """What the step gives."""
    others = params.pop("others", {})
    inputs = {"table": folder / "rows.parquet", **{f"join.{name}": folder / f"{name}.parquet" for name in others}}
    rows.write_parquet(inputs["table"])
    for name, frame in others.items():
        frame.write_parquet(folder / f"{name}.parquet")
    asked = {"joins": [], "derive": [], "filter": None, "columns": [[name, ""] for name in columns], **params}
    out = folder / "out.parquet"
    job = Job(id="c", kind="combine", params=asked, inputs=inputs, outputs={"table": out}, scratch=folder, root=folder)
    combine.run(job)
    return pl.read_parquet(out)


def join(source: str, columns: dict[str, str], keys: list[str], **more: Any) -> dict[str, Any]:
    """A join as params hold it."""
    as_of = more.pop("as_of", None)
    if as_of is not None:
        as_of = {"within": None, "before": False, **as_of}
    return {"source": source, "columns": columns, "keys": keys, "how": "left", "as_of": as_of, **more}


def test_rows_keep_their_order_and_number(tmp_path: Path) -> None:
    rows = pl.DataFrame({"k": ["b", "a", None, "c", "b"], "n": [1, 2, 3, 0, 5]})
    other = pl.DataFrame({"k": ["a", "b"], "v": [10, 20]})
    one = join("other", {"v": "o_v"}, ["k"])
    kept = made(tmp_path, rows, ["k", "n", "o_v"], joins=[one], others={"other": other})
    assert kept["o_v"].to_list() == [20, 10, None, None, 20]
    assert kept["n"].to_list() == rows["n"].to_list()
    inner = made(tmp_path, rows, ["n"], joins=[{**one, "how": "inner"}], others={"other": other})
    assert inner["n"].to_list() == [1, 2, 5]
    derive = [["r", "n / (n - 2)", "number"], ["big", "r > 1", "boolean"]]
    derived = made(tmp_path, rows, ["n", "r", "big"], derive=derive, filter="n > 0")
    assert derived["r"].to_list() == [-1.0, None, 3.0, 5 / 3]
    assert derived["big"].to_list() == [False, None, True, True]


def test_a_key_that_stands_twice_and_a_filter_that_leaves_nothing(tmp_path: Path) -> None:
    rows = pl.DataFrame({"k": ["a"], "n": [1]})
    twice = pl.DataFrame({"k": ["a", "a"], "v": [1, 2]})
    with pytest.raises(StepError, match="source 'other' has several rows for the same k"):
        made(tmp_path, rows, ["n"], joins=[join("other", {"v": "v"}, ["k"])], others={"other": twice})
    with pytest.raises(StepError, match="the filter leaves no rows"):
        made(tmp_path, rows, ["n"], filter="n > 1")


def test_keys_of_two_types_are_compared_by_value(tmp_path: Path) -> None:
    rows = pl.DataFrame({"k": [1, 2, 3], "day": [DAY, DAY + dt.timedelta(days=1), None]})
    numbers = pl.DataFrame({"k": [1.0, 2.5], "v": [10, 20]})
    one = join("numbers", {"v": "v"}, ["k"])
    found = made(tmp_path, rows, ["k", "v"], joins=[one], others={"numbers": numbers})
    assert found.to_dict(as_series=False) == {"k": [1, 2, 3], "v": [10, None, None]}
    moments = pl.DataFrame({"day": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2, 12)], "v": [10, 20]})
    one = join("moments", {"v": "v"}, ["day"])
    found = made(tmp_path, rows, ["day", "v"], joins=[one], others={"moments": moments})
    assert found["day"].to_list() == rows["day"].to_list()
    assert found["v"].to_list() == [10, None, None]


def test_integers_without_a_sign_never_wrap_around(tmp_path: Path) -> None:
    large = [2**64 - 1, 2**63 + 1, 2**63 + 2, 7]
    rows = pl.DataFrame({"k": pl.Series(large, dtype=pl.UInt64)})
    others = pl.DataFrame({"k": [7, 8], "v": [10, 20]}), pl.DataFrame({"k": rows["k"][1:3], "v": [30, 40]})
    for other, values in zip(others, ([None, None, None, 10], [None, 30, 40, None]), strict=True):
        found = made(tmp_path, rows, ["k", "v"], joins=[join("o", {"v": "v"}, ["k"])], others={"o": other})
        assert found.rows() == list(zip(large, values, strict=True))
    derive = [["twin", "k", "integer"], ["rest", "k % 10", "integer"], ["below", "k - 10 < 0", "boolean"]]
    found = made(tmp_path, rows, ["k", "twin", "rest", "below"], derive=derive, filter="5 - k < -2")
    assert found["twin"].to_list() == large[:3]
    assert found["rest"].to_list() == [k % 10 for k in large[:3]]
    assert made(tmp_path, rows, ["below"], derive=derive)["below"].to_list() == [False, False, False, True]
    with pytest.raises(pl.exceptions.PolarsError, match="conversion"):
        made(tmp_path, rows, ["twice"], derive=[["twice", "k * 2", "integer"]])


def expected(day: int | None, known: list[tuple[int, int]], within: int | None, before: bool) -> int | None:
    """The last value known on a day, by the plainest of means."""
    if day is None:
        return None
    seen = [(d, v) for d, v in known if (d < day if before else d <= day) and (within is None or day - d <= within)]
    return max(seen)[1] if seen else None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.integers(0, 30), st.sampled_from("ab")), min_size=1, max_size=15),
    st.dictionaries(st.tuples(st.integers(0, 30), st.sampled_from("ab")), st.integers(0, 9), max_size=15),
    st.none() | st.integers(1, 10),
    st.booleans(),
)
def test_no_row_sees_its_future(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int | None, str]],
    known: dict[tuple[int, str], int],
    within: int | None,
    before: bool,
) -> None:
    def day(number: int | None) -> dt.date | None:
        return None if number is None else DAY + dt.timedelta(days=number)

    frame = pl.DataFrame(
        {"day": [day(d) for d, _k in rows], "k": [k for _d, k in rows]}, schema={"day": pl.Date, "k": pl.String}
    )
    other = pl.DataFrame(
        {"known": [day(d) for d, _k in known], "k": [k for _d, k in known], "v": list(known.values())},
        schema={"known": pl.Date, "k": pl.String, "v": pl.Int64},
    )
    seconds = None if within is None else within * 86_400.0
    as_of = {"row": "day", "source": "known", "within": seconds, "before": before}
    folder = tmp_path_factory.mktemp("rows")
    one = join("other", {"v": "v"}, ["k"], as_of=as_of)
    found = made(folder, frame, ["day", "v"], joins=[one], others={"other": other})
    assert found["day"].to_list() == frame["day"].to_list()
    assert found["v"].to_list() == [
        expected(d, [(at, v) for (at, key), v in known.items() if key == k], within, before) for d, k in rows
    ]
