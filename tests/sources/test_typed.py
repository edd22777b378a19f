"""Files of typed cells: what a model can use is exact, what none can use is left out and named, and never refuses the
file."""

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Schema
from mlspec.plugins.source import Source
from mlspec.sources.arrow import Arrow
from mlspec.sources.parquet import Parquet

NUMBERS = [0.5, None, 2.5]


def of(folder: Path, cells: Any, form: str = "parquet") -> tuple[Source, Schema]:
    """A file of a column ``c`` and a column ``n``, and its columns when all rows have been looked at."""
    frame = pl.DataFrame({"c": cells, "n": range(len(cells))})
    source: Source = Parquet(path="t.parquet")
    if form == "arrow":
        source = Arrow(path="t.arrow")
        frame.write_ipc(folder / "t.arrow")
    else:
        frame.write_parquet(folder / "t.parquet")
    columns = source.columns(folder)
    assert source.settled(folder, columns) == columns, "the first rows are all"
    return source, columns


ODD: dict[str, tuple[Any, str]] = {
    "struct": ([{"a": 1, "b": "x"}] * 3, "it is a struct (a, b): write its fields as columns"),
    "texts": ([["x"], None, ["y"]], "it is a list of texts or dates: write a column for each value"),
    "lists": ([[[1.0]]] * 3, "it is a list of lists: write a column for each value"),
    "lengths": ([[1, 2], None, [1]], "its lists have length 2, but 1 in row 3: write lists of one length"),
    "empty lists": (pl.Series([[], [], []], dtype=pl.List(pl.Float32)), "its lists are empty"),
    "duration": ([timedelta(1)] * 3, "it is a duration: write it as a number, for example of seconds"),
    "time": ([time(1)] * 3, "it is a time of day: write it as a number, for example of seconds"),
    "nothing": (pl.Series([None] * 3, dtype=pl.Null), "it has no values"),
    "binary": (
        [b"abc"] * 3,
        "it is binary data, but no image (PNG, JPEG, BMP, GIF, WEBP, TIFF): write it as numbers or text",
    ),
}


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("name", ODD)
def test_what_no_model_can_use_is_left_out_and_named(name: str, form: str, tmp_path: Path) -> None:
    source, columns = of(tmp_path, ODD[name][0], form)
    assert [(one.name, one.type, one.hint) for one in columns] == [("c", "other", ODD[name][1]), ("n", "integer", "")]
    rows = source.scan(tmp_path, columns).collect()
    assert rows["n"].to_list() == [0, 1, 2]
    assert rows["c"].null_count() == pl.Series("c", ODD[name][0]).null_count()
    assert source.values(tmp_path, "c") is None


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("kind", [pl.List(pl.Float32), pl.Array(pl.Int16, 2)], ids=["list", "array"])
def test_a_list_of_numbers_is_a_column_for_each(kind: Any, form: str, tmp_path: Path) -> None:
    source, columns = of(tmp_path, pl.Series([[1, 2], None, [3, None]], dtype=kind), form)
    assert [(one.name, one.type) for one in columns] == [("c_0", "number"), ("c_1", "number"), ("n", "integer")]
    rows = source.scan(tmp_path, columns).collect()
    assert (rows["c_0"].to_list(), rows["c_1"].to_list()) == ([1, None, 3], [2, None, None])
    seen = source.values(tmp_path, "c_1")
    assert seen is not None
    assert [float(cell) for cell in seen[0]] == [2]


def test_the_number_of_a_list_never_hides_a_column(tmp_path: Path) -> None:
    pl.DataFrame({"c": [[1.0, 2.0]], "c_1": ["x"]}).write_parquet(tmp_path / "t.parquet")
    first, second = Parquet(path="t.parquet").columns(tmp_path)
    assert first.hint == "its numbers would be columns such as 'c_1', which is there already: rename one of them"
    assert (second.name, second.type) == ("c_1", "category")


def test_a_list_of_another_length_further_down_is_found_by_all_rows(tmp_path: Path) -> None:
    cells = [[1.0, 2.0]] * 1_500
    pl.DataFrame({"c": [*cells, [1.0, 2.0, 3.0]], "y": 1}).write_parquet(tmp_path / "t.parquet")
    source = Parquet(path="t.parquet")
    columns = source.columns(tmp_path)
    hint = "its lists have length 2, but 3 in row 1,501: write lists of one length"
    assert source.settled(tmp_path, columns)[0].hint == hint
    with pytest.raises(
        StepError, match=r"column 'c' of t.parquet can't be used: its lists have length 2, but 3 in row"
    ):
        source.scan(tmp_path, columns)


@pytest.mark.parametrize(
    ("kind", "first", "type_"),
    [
        (pl.UInt64, 2**64 - 3, "integer"),
        (pl.Decimal(38, 0), 2**62, "integer"),
        (pl.Decimal(38, 0), 10**30, "category"),
        (pl.Int128, 2**63, "integer"),
        (pl.Int128, -(2**80), "category"),
    ],
)
def test_integers_are_exact_as_numbers_or_as_text(kind: Any, first: int, type_: str, tmp_path: Path) -> None:
    values = [first, first + 1, None, first + 2]
    cells = pl.Series([None if one is None else Decimal(one) for one in values] if kind != pl.UInt64 else values)
    form = "arrow" if kind == pl.Int128 else "parquet"
    source, columns = of(tmp_path, cells.cast(kind) if kind != pl.UInt64 else pl.Series(values, dtype=kind), form)
    assert columns[0].type == type_
    read = source.scan(tmp_path, columns).collect()["c"].to_list()
    assert [None if one is None else int(one) for one in read] == values


def test_integers_beyond_64_bits_in_no_first_row_end_the_run_with_what_to_write(tmp_path: Path) -> None:
    cells = pl.Series([Decimal(1)] * 1_500 + [Decimal(10**30)], dtype=pl.Decimal(38, 0))
    pl.DataFrame({"c": cells}).write_parquet(tmp_path / "t.parquet")
    source = Parquet(path="t.parquet")
    columns = source.columns(tmp_path)
    assert [one.type for one in source.settled(tmp_path, columns)] == ["category"]
    with pytest.raises(StepError, match=r"beyond 64 bits: write data.columns.types: \{c: category\}"):
        source.scan(tmp_path, columns)


def test_the_types_of_several_files_are_those_that_hold_for_all(tmp_path: Path) -> None:
    (tmp_path / "t" / "year=2024").mkdir(parents=True)
    nothing = pl.Series([None, None], dtype=pl.Null)
    pl.DataFrame({"c": nothing, "n": [1, 2], "s": ["a", "b"]}).write_parquet(tmp_path / "t/year=2024/a.parquet")
    pl.DataFrame({"c": [1, 2], "n": [0.5, 1], "s": nothing}).write_parquet(tmp_path / "t/year=2024/b.parquet")
    source = Parquet(path="t")
    columns = source.columns(tmp_path)
    assert [one.type for one in columns] == ["integer", "integer", "category", "integer"]
    settled = source.settled(tmp_path, columns)
    assert [(one.name, one.type) for one in settled] == [
        ("c", "integer"),
        ("n", "number"),
        ("s", "category"),
        ("year", "integer"),
    ]
    assert source.scan(tmp_path, settled).collect().rows() == [
        (None, 1.0, "a", 2024),
        (None, 2.0, "b", 2024),
        (1, 0.5, None, 2024),
        (2, 1.0, None, 2024),
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a,b\n1,2\n", "it is text: rename it to end in .csv"),
        (b'{"a": 1}\n', "it is text: rename it to end in .jsonl"),
        (b'[{"a": 1}]', "it is text: rename it to end in .json"),
    ],
)
def test_text_under_another_name_is_named(content: bytes, text: str, tmp_path: Path) -> None:
    for source in (Parquet(path="t"), Arrow(path="t")):
        (tmp_path / "t").write_bytes(content)
        with pytest.raises(ValueError) as error:  # noqa: PT011  the text is what is tested
            source.columns(tmp_path)
        assert str(error.value) == text


def test_the_index_that_pandas_writes_is_no_feature_and_named(tmp_path: Path) -> None:
    pl.DataFrame({"__index_level_0__": [1], "x": [2]}).write_parquet(tmp_path / "t.parquet")
    first, second = Parquet(path="t.parquet").columns(tmp_path)
    assert (first.role, first.hint) == ("unused", "it is the index that pandas writes")
    assert (second.role, second.hint) == ("feature", "")
