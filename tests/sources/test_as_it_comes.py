"""Tables as people have them: read right, or refused with the line and what to do, alike by `validate` and a run."""

import bz2
import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlspec.diagnostics import SpecError, StepError
from mlspec.plugins.base import Column, Schema
from mlspec.sources._infer import narrowest
from mlspec.sources.csv import Csv
from mlspec.sources.jsonl import Jsonl
from mlspec.sources.parquet import Parquet
from mlspec.steps.data import raw_rows


def table(tmp_path: Path, content: str | bytes, name: str = "t.csv", **keys: Any) -> tuple[Schema, pl.DataFrame]:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    source = Csv(path=name, **keys)
    columns = source.columns(tmp_path)
    quick = source.quick(tmp_path, columns)
    slow = source.scan(tmp_path, columns).collect()
    if quick is not None:
        try:
            assert quick.collect().equals(slow), "both ways of reading agree"
        except pl.exceptions.PolarsError:
            pass
    return columns, slow


def refused(tmp_path: Path, content: str | bytes, name: str = "t.csv", **keys: Any) -> str:
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ValueError) as error:  # noqa: PT011  the text is what is tested
        Csv(path=name, **keys).columns(tmp_path)
    return str(error.value)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "+3"], "integer"),
        (["1582218195625938946", "9223372036854775807"], "integer"),
        (["9223372036854775808", "18446744073709551615"], "integer"),
        (["9223372036854775808", "-1"], "category"),
        (["9223372036854775808", "0.5"], "category"),
        (["18446744073709551616"], "category"),
        (["01234", "5"], "category"),
        (["007", "1.5"], "category"),
        (["0", "0.5"], "number"),
        ([" 1", "2 "], "integer"),
        (["1", "NA", "?"], "integer"),
        (["1.5", "None", "nan"], "number"),
        (["NA", "FR"], "category"),
        (["NA", "-"], "category"),
        (["１"], "category"),  # a digit that the data engine does not read
        (["true", "False"], "boolean"),
        (["2024-01-31", "2024/2/1"], "date"),
        (["2024-01-31", "2024-01-31 10:00"], "datetime"),
        (["2024-01-31T10:00:00Z", "2024-01-31T10:00:00.25+02:00"], "datetime"),
        (["2024-01-31T10:00 soon"], "category"),
        ([], "category"),
    ],
)
def test_the_narrowest_type_that_loses_nothing(cells: list[str], kind: str) -> None:
    assert narrowest(cells) == kind


def test_times_with_and_without_zones_are_in_utc(tmp_path: Path) -> None:
    texts = {
        "2024-03-01T10:00:00Z": datetime(2024, 3, 1, 10),
        "2024-03-01 10:00:00 UTC": datetime(2024, 3, 1, 10),
        "2024-03-01T10:00:00+02:00": datetime(2024, 3, 1, 8),
        "2024-03-01T10:00:00.5-0530": datetime(2024, 3, 1, 15, 30, 0, 500000),
        "2024-03-01 10:00+01": datetime(2024, 3, 1, 9),
        "2024-03-01 10:00": datetime(2024, 3, 1, 10),
        "2024/3/1 5:07:09": datetime(2024, 3, 1, 5, 7, 9),
        "2024-03-01": datetime(2024, 3, 1),
    }
    columns, rows = table(tmp_path, "t\n" + "\n".join(texts) + "\n")
    assert [column.type for column in columns] == ["datetime"]
    assert rows["t"].to_list() == list(texts.values())


def test_long_integers_are_exact_and_never_floats(tmp_path: Path) -> None:
    ids = [1582218195625938946 + n for n in range(3)]
    _columns, rows = table(tmp_path, "id\n" + "\n".join(map(str, ids)) + "\n")
    assert rows["id"].to_list() == ids
    unsigned = "id\n" + "1\n" * 1100 + f"{2**63}\n"
    assert table(tmp_path, unsigned)[1]["id"][-1] == 2**63
    (tmp_path / "u.csv").write_text("id\n5\n")
    both = Csv(path="*.csv").scan(tmp_path, (Column("id", "integer"),)).collect()["id"]
    assert (both.dtype, both[-2], both[-1]) == (pl.UInt64, 2**63, 5)
    with pytest.raises(StepError, match=rf"row 1101 has '{2**64}': write data.columns.types: {{id: category}}"):
        table(tmp_path, "id\n" + "1\n" * 1100 + f"{2**64}\n")


def test_a_word_for_missing_is_missing_in_numbers_alone(tmp_path: Path) -> None:
    _columns, rows = table(tmp_path, "n,x,country\n1,0.5,NA\nNA,?,FR\n3,NaN,NA\n")
    assert rows["n"].to_list() == [1, None, 3]
    assert rows["x"].fill_nan(None).to_list() == [0.5, None, None]
    assert rows["country"].to_list() == ["NA", "FR", "NA"]


def test_blanks_around_names_and_numbers_do_not_count(tmp_path: Path) -> None:
    columns, rows = table(tmp_path, "a , b\n 1 , 2.5\n2, 3\n")
    assert [(column.name, column.type) for column in columns] == [("a", "integer"), ("b", "number")]
    assert rows.rows() == [(1, 2.5), (2, 3.0)]


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.bz2"])
@pytest.mark.parametrize("more", [1, 20_000])
def test_lines_that_end_in_a_carriage_return_alone(more: int, name: str, tmp_path: Path) -> None:
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(Path(name).suffix, bytes)
    _columns, rows = table(tmp_path, pack(b"a,b\r" + b"1,x\r" * more), name)
    assert rows.height == more


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "sep=;;\n"])
def test_a_first_line_that_states_the_separator(first: str, tmp_path: Path) -> None:
    columns, rows = table(tmp_path, first + "a;b\n1;x\n2;y\n")
    assert [column.name for column in columns] == ["a", "b"]
    assert rows.rows() == [(1, "x"), (2, "y")]
    with pytest.raises(ValueError, match=r"its first line states the separator ';', not '\|'"):
        Csv(path="t.csv", separator="|").columns(tmp_path)


@pytest.mark.parametrize(("separator", "shown"), [(";", ";"), ("\t", r"\t"), ("|", "|")])
def test_the_hint_for_another_separator_works(separator: str, shown: str, tmp_path: Path) -> None:
    content = separator.join("ab") + "\n" + separator.join("12") + "\n"
    assert refused(tmp_path, content) == f"its cells are separated by '{shown}': add separator: \"{shown}\""
    columns, _rows = table(tmp_path, content, separator=separator)
    assert [column.name for column in columns] == ["a", "b"]


def test_one_column_of_texts_with_commas_is_no_other_separator(tmp_path: Path) -> None:
    columns, rows = table(tmp_path, 'text\n"a; b"\n"c; d; e"\n')
    assert ([column.name for column in columns], rows.height) == (["text"], 2)


def test_a_quote_inside_a_cell_is_read_as_it_is(tmp_path: Path) -> None:
    content = "a,b\n" + "1,x\n" * 9 + '2,5" pipe\n' + "3,y\n" * 90 + '4,"a, ""b"""\n5,7"\n'
    _columns, rows = table(tmp_path, content)
    assert (rows.height, rows["b"][9]) == (102, '5" pipe')
    assert rows["b"][-2:].to_list() == ['a, "b"', '7"']


def test_a_quote_that_is_never_closed_is_named_with_its_line_and_the_hint_works(tmp_path: Path) -> None:
    content = "a,b\n" + "1,x\n" * 9 + '2," pipe\n' + "3,y\n" * 3
    said = refused(tmp_path, content)
    assert said == 'line 11 has a quote that closes nowhere, or inside a cell: if no cell is quoted, add quote: ""'
    _columns, rows = table(tmp_path, content, quote="")
    assert (rows.height, rows["b"][9]) == (13, '" pipe')


def test_a_header_with_odd_names_is_read_with_names_that_are_reported(tmp_path: Path) -> None:
    columns, rows = table(tmp_path, ',a,,a ,,"b\nc"\n1,2,3,4,,5\n')
    accepted = "write data.columns.types: {column_3: integer, a_2: integer} if that is right"
    assert {column.name: column.hint for column in columns} == {
        "": "the first column has no name, as the index that pandas or R writes: it is no feature; "
        'write data.columns.drop: [""] if that is right',
        "a": "",
        "column_3": f"column 3 has no name: it is read as 'column_3'; {accepted}; "
        "`names` with header: true gives other names",
        "a_2": "more than one column is called 'a': it is read as 'a_2'",
        "b\nc": "column 5 has no name and no values: it is left out",
    }
    assert rows.rows() == [(1, 2, 3, 4, 5)]
    columns, rows = table(tmp_path, "a,a\n1,2\n", names=("a", "b"), header=True)
    assert ([column.name for column in columns], rows.rows()) == (["a", "b"], [(1, 2)])


def test_a_separator_at_the_end_of_each_row_is_no_column(tmp_path: Path) -> None:
    columns, rows = table(tmp_path, "a,b\n1,2,\n3,4,\n")
    assert ([column.name for column in columns], rows.rows()) == (["a", "b"], [(1, 2), (3, 4)])
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2,\n" * 1100 + "3,4,5\n")
    source = Csv(path="t.csv")
    columns = source.columns(tmp_path)
    with pytest.raises(ValueError, match="line 1102 has a value in column 3, which has no name"):
        source.scan(tmp_path, columns).collect()


def test_the_index_that_pandas_writes_is_no_feature(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(",x\n0,5\n1,6\n")
    assert "" in Csv(path="t.csv").not_features


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("t.csv", POINTER, "it is a Git LFS pointer, not the data: run `git lfs pull`"),
        ("t.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "it is compressed with gzip: rename it to end in .gz"),
        ("t.csv.gz", b"a,b\n1,2\n", "it is not compressed, although its name ends in .gz: rename it"),
        ("t.csv.gz", POINTER, "it is a Git LFS pointer, not the data: run `git lfs pull`"),
        ("t.csv", b"PK\x03\x04rest", "it is a zip archive: unpack it"),
        (
            "t.csv",
            b"PK\x03\x04 [Content_Types].xml",
            "it is an Excel workbook: rename it to end in .xlsx, or state `format: excel`",
        ),
        (
            "t.csv",
            b"\n<!DOCTYPE html><html>",
            "it is a web page, not the data: does the address need a login, or lead to a page about the data?",
        ),
    ],
    ids=["pointer", "gzip", "not gzip", "compressed pointer", "zip", "workbook", "page"],
)
def test_what_is_not_the_data_is_named(name: str, content: bytes, text: str, tmp_path: Path) -> None:
    assert refused(tmp_path, content, name) == text


@pytest.mark.parametrize("content", [POINTER, b"<html></html>"])
def test_what_is_not_the_data_is_named_for_other_formats_too(content: bytes, tmp_path: Path) -> None:
    for source in (Parquet(path="t.parquet"), Jsonl(path="t.jsonl")):
        (tmp_path / source.path).write_bytes(content)
        with pytest.raises(ValueError, match=r"it is a (Git LFS pointer|web page), not the data"):
            source.columns(tmp_path)


def test_a_compressed_file_that_was_cut_is_never_fewer_rows(tmp_path: Path) -> None:
    whole = gzip.compress(("a,b\n" + "".join(f"{n},{n * n}\n" for n in range(50_000))).encode())
    (tmp_path / "t.csv.gz").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(SpecError, match="it is cut short"):
        raw_rows.looked_at(str(tmp_path / "t.csv.gz"), {})


def test_a_compressed_file_that_is_damaged_further_down_is_a_message(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(("a,b\n" + "".join(f"{n},{n * n}\n" for n in range(50_000))).encode(), mtime=0))
    whole[len(whole) // 12 : len(whole) // 12 + 40] = b"\xff" * 40
    (tmp_path / "t.csv.gz").write_bytes(bytes(whole))
    with pytest.raises(SpecError) as error:  # noqa: PT012
        source, columns, _notes = raw_rows.opened(str(tmp_path / "t.csv.gz"))
        with raw_rows.reading("t", Path(), source):
            source.scan(Path(), columns).collect()
    assert [one.code for one in error.value.diagnostics] == ["source-unreadable"]
