"""Workbooks as people have them, read as what they show or refused with what to write."""

import io
import sys
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests import workbooks
from tests.workbooks import Cell

from mlspec.diagnostics import SpecError, render
from mlspec.plugins.base import Schema
from mlspec.sources import _probe, _workbook
from mlspec.sources._sniff import sniff
from mlspec.sources.excel import Excel
from mlspec.steps.data import raw_rows

DAY = date(2024, 1, 31)


def table(folder: Path, *rows: list[Cell], **keys: Any) -> tuple[Schema, pl.DataFrame]:
    workbooks.write(folder / "t.xlsx", Data=rows)
    source = Excel(path="t.xlsx", **keys)
    columns = source.columns(folder)
    if len(rows) <= 1_000:
        return columns, source.scan(folder, columns).collect()
    return columns, pl.DataFrame()


def refused(folder: Path, *rows: list[Cell], **keys: Any) -> str:
    with pytest.raises(ValueError) as error:  # noqa: PT011  the text is what is tested
        table(folder, *rows, **keys)
    return str(error.value)


@pytest.mark.parametrize(
    ("cells", "kind", "read"),
    [
        ([1, 2.0, None], "integer", [1, 2, None]),
        ([1, 2.5, workbooks.ERROR], "number", [1, 2.5, None]),
        ([0.25, 1, "n/a"], "number", [0.25, 1, None]),
        ([True, False, None], "boolean", [True, False, None]),
        ([DAY, None, DAY], "date", [DAY, None, DAY]),
        (
            [DAY, datetime(2024, 1, 31, 12, 30), None],
            "datetime",
            [datetime(2024, 1, 31), datetime(2024, 1, 31, 12, 30), None],
        ),
        ([time(9, 30), time(12), None], "category", ["09:30:00", "12:00:00", None]),
        (["01234", 5, " "], "category", ["01234", "5", None]),
        ([1582218195625938, 3, 4], "integer", [1582218195625938, 3, 4]),
    ],
)
def test_cells_are_read_as_they_are_stored(cells: list[Cell], kind: str, read: list[Any], tmp_path: Path) -> None:
    columns, rows = table(tmp_path, ["c", "n"], *([cell, 7] for cell in cells))
    assert [(one.name, one.type) for one in columns] == [("c", kind), ("n", "integer")]
    assert rows["c"].to_list() == read


def test_empty_rows_and_columns_are_none_and_the_index_is_no_feature(tmp_path: Path) -> None:
    none: list[Cell] = [None, None, None, None]
    columns, rows = table(tmp_path, none, [None, "x", None, " y "], [0, 5, None, "a"], none, [1, 6, None, "b"], none)
    assert [one.name for one in columns] == ["", "x", "y"]
    assert rows.rows() == [(0, 5, "a"), (1, 6, "b")]
    assert "" in Excel.not_features


def test_types_are_those_of_all_rows_and_odd_cells_have_their_row(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["n", "t", "d"], *([k, k, "3/14/2024"] for k in range(1_200)), [2.5, "x", "4/13/2024"]]
    columns, _rows = table(tmp_path, *rows)
    settled = Excel(path="t.xlsx").settled(tmp_path, columns)
    assert [(one.type, one.odd, one.form) for one in settled] == [
        ("number", (), ""),
        ("integer", (("x", "row 1202 of t.xlsx"),), ""),
        ("date", (), "%m/%d/%Y"),
    ]
    read = Excel(path="t.xlsx").scan(tmp_path, (settled[0], settled[2])).collect()
    assert read.row(-1) == (2.5, date(2024, 4, 13))


def test_a_title_above_the_header_is_named_and_the_hint_works(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["Sales 2024"], [None], ["shop", "sold", "at"], ["a", 5, DAY], ["b", 6, DAY]]
    assert refused(tmp_path, *rows) == (
        "row 1 has a single cell, 'Sales 2024', as a title has: if the names of the columns are in row 3, add header: 3"
    )
    columns, read = table(tmp_path, *rows, header=3)
    assert ([one.name for one in columns], read.height) == (["shop", "sold", "at"], 2)


def test_what_is_wrong_with_a_sheet_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path, ["a", "a"], [1, 2]) == "two columns are called 'a'"
    assert refused(tmp_path, ["a", "b", None, None], [1, 2, 3, 4]) == "columns 3 and 4 have no name"
    assert refused(tmp_path, [None]) == "the sheet is empty"
    assert refused(tmp_path, ["a"], [1], header=3) == "row 3 of the sheet is empty, so it has no names of columns"
    assert refused(tmp_path, ["a"], [1], sheet="B") == "it has no sheet 'B': its sheets are 'Data'"
    assert Excel(path="t.xlsx", sheet=0).mistake() == "sheets are numbered from 1"
    assert refused(tmp_path, ["a"], [1], sheet=2) == "it has no sheet 2: its sheets are 'Data'"


def test_another_sheet_is_read_by_name_or_number_and_init_says_which_there_are(tmp_path: Path) -> None:
    workbooks.write(tmp_path / "t.xlsx", Data=[["a"], [1]], **{"R & D": [["b"], [2]]})
    for sheet in ("R & D", 2):
        source = Excel(path="t.xlsx", sheet=sheet)
        assert [one.name for one in source.columns(tmp_path)] == ["b"]
    assert sniff("excel", tmp_path / "t.xlsx", {}).notes == (
        "the sheets are 'Data', 'R & D'; the first is read: sheet: NAME reads another",
    )
    assert sniff("excel", tmp_path / "t.xlsx", {"sheet": "Data"}).notes == ()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a,b\n1,2\n", "it is text: rename it to end in .csv"),
        (b"PAR1....", "it is a Parquet file: rename it to end in .parquet, or state `format: parquet`"),
        (b"PK\x03\x04rest", "not a workbook: it is a damaged archive (File is not a zip file)"),
        (None, "it is a zip archive, but no workbook: unpack it"),
    ],
)
def test_what_is_no_workbook_is_named(content: bytes | None, text: str, tmp_path: Path) -> None:
    if content is None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("readme.txt", "a")
        content = file.getvalue()
    (tmp_path / "t.xlsx").write_bytes(content)
    with pytest.raises(ValueError) as error:  # noqa: PT011  the text is what is tested
        Excel(path="t.xlsx").columns(tmp_path)
    assert str(error.value) == text


def test_what_unpacks_to_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_workbook, "LARGEST", 2 << 20)
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _piece in range(_workbook.LARGEST >> 20):
                part.write(bytes(1 << 20))
            part.write(b"0")
    with pytest.raises(ValueError, match="it has 2 MiB unpacked, but at most 2 MiB are read: export the sheet as CSV"):
        Excel(path="t.xlsx").columns(tmp_path)
    assert Excel(path="t.xlsx").is_probed_apart(tmp_path), "what lies about its size meets the limits of the child"


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbooks.write(tmp_path / "t.xlsx", Data=[["a"], [1]])
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    monkeypatch.setattr(Excel, "is_probed_apart", lambda _self, _root: False)
    with pytest.raises(SpecError) as error:
        raw_rows.opened(str(tmp_path / "t.xlsx"))
    assert (
        render(error.value.diagnostics, {})
        == f"""\
error[library-not-installed]: reading '{tmp_path}/t.xlsx' needs fastexcel, which is not installed here
  = pip install 'mlspec-compiler[excel]'
  = see: mlspec explain library-not-installed

1 error
"""
    )
    assert _probe.lacking("x", Excel(path="t.xlsx"), ImportError("polars")).notes == (
        "pip install 'mlspec-compiler[run]'",
    )
