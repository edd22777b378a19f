"""Sources: the same table from every format, types from the first rows, and a clear word about what can't be read."""

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.source import Source

ROWS = [
    {"n": 1, "x": 1.5, "w": "a, b", "t": True, "d": "2024-02-29"},
    {"n": None, "x": 2.0, "w": 'say "so"', "t": False, "d": "2023-01-01"},
    {"n": 3, "x": None, "w": "two\nlines", "t": None, "d": None},
]
TYPES = {"n": "integer", "x": "number", "w": "category", "t": "boolean", "d": "date"}
FRAME = pl.DataFrame(ROWS).with_columns(pl.col("d").str.to_date())


def source(kind: str, path: str, **more: Any) -> Source:
    """A source of a kind."""
    return cast(Source, registry.plugin("sources", kind)(path=path, **more))


def write(folder: Path, name: str) -> None:
    """The rows in the format that the name says."""
    text = FRAME.write_csv()
    if name == "rows.csv":
        (folder / name).write_text(text)
    elif name == "rows.csv.gz":
        (folder / name).write_bytes(gzip.compress(text.encode()))
    elif name == "rows.tsv":
        FRAME.write_csv(folder / name, separator="\t")
    elif name == "windows.csv":
        (folder / name).write_bytes(
            b"\xef\xbb\xbf" + text.replace("\n", "\r\n").replace("two\r\nlines", "two\nlines").encode()
        )
    elif name == "rows.jsonl":
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif name == "rows.parquet":
        FRAME.write_parquet(folder / name)
    else:
        FRAME.write_ipc(folder / name)


@pytest.mark.parametrize(
    "name", ["rows.csv", "rows.csv.gz", "rows.tsv", "windows.csv", "rows.jsonl", "rows.parquet", "rows.arrow"]
)
def test_every_format_gives_the_same_table(name: str, tmp_path: Path) -> None:
    write(tmp_path, name)
    kind = {"csv": "csv", "gz": "csv", "tsv": "csv"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
    one = source(kind, name)
    columns = one.columns(tmp_path)
    assert {c.name: c.type for c in columns} == TYPES
    assert one.scan(tmp_path, columns).collect().equals(FRAME, null_equal=True)
    assert one.values(tmp_path, "n") == (("1", "3"), True)


WRONG = {
    "picture.csv": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "this is not text"),
    "empty.csv": (b"", "the file is empty"),
    "ragged.csv": (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 cells, but the header has 2"),
    "latin.csv": (b"a,b\nM\xfcnchen,2\n", "not UTF-8 text: line 2"),
    "notgz.csv.gz": (b"a,b\n1,2\n", "it is not compressed"),
    "short.csv.gz": (gzip.compress(b"a,b\n" + b"1,2\n" * 500)[:-20], "it is cut short"),
    "text.parquet": (b"a,b\n1,2\n", "it is text: rename it to end in .csv"),
    "text.arrow": (b"a,b\n1,2\n", "it is text: rename it to end in .csv"),
    "list.jsonl": (b"[1, 2]\n", "it is one JSON array"),
    "broken.jsonl": (b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
    "empty.jsonl": (b"", "the file is empty"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_of_the_wrong_kind(name: str, tmp_path: Path) -> None:
    raw, said = WRONG[name]
    (tmp_path / name).write_bytes(raw)
    kind = name.removesuffix(".gz").rpartition(".")[2]
    with pytest.raises(ValueError, match=said):
        source(kind, name).columns(tmp_path)


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow", "jsonl"])
def test_a_file_that_is_not_there(kind: str, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        source(kind, "nothing").columns(tmp_path)


def test_a_late_value_that_does_not_fit_is_reported_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text("n\n" + "1\n" * 1_500 + "oops\n" + "2\n" * 10)
    late = source("csv", "late.csv")
    columns = late.columns(tmp_path)
    assert [c.type for c in columns] == ["integer"]
    with pytest.raises(StepError) as caught:
        late.scan(tmp_path, columns).collect()
    assert str(caught.value) == (
        "column 'n' of late.csv is an integer in its first rows, but row 1501 has 'oops': "
        "write data.columns.types: {n: category}, or name the cell under `missing`"
    )
    named = source("csv", "late.csv", missing=("oops",))
    assert named.scan(tmp_path, named.columns(tmp_path)).collect()["n"].null_count() == 1


def test_integers_that_get_decimals_later_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_text("n\n" + "1\n" * 1_500 + "2.5\n")
    late = source("csv", "late.csv")
    assert late.scan(tmp_path, late.columns(tmp_path)).collect()["n"][-1] == 2.5


DIALECTS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "german.csv": (
        "n;x;w\n1;1,5;Müller\n;2,25;'so; so'\n3;;Zürich\n".encode("latin-1"),
        {"separator": ";", "decimal": ",", "quote": "'", "encoding": "latin-1"},
    ),
    "wide.tsv": ("n\tx\tw\n1\t1.5\tMüller\n\t2.25\tso; so\n3\t\tZürich\n".encode("utf-16"), {"encoding": "utf-16"}),
    "headless.csv": (
        "1,1.5,Müller\nNA,2.25,so; so\n3,,Zürich\n".encode(),
        {"names": ("n", "x", "w"), "missing": ("NA",)},
    ),
    "rows.csv.zst": (b"", {}),
    "rows.csv.gz": (b"", {}),
    "rows.csv.bz2": (b"", {}),
    "rows.tsv.xz": (b"", {}),
}
COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_table(name: str, tmp_path: Path) -> None:
    expected = pl.DataFrame({"n": [1, None, 3], "x": [1.5, 2.25, None], "w": ["Müller", "so; so", "Zürich"]})
    raw, settings = DIALECTS[name]
    text = expected.write_csv(separator="\t" if ".tsv" in name else ",")
    suffix = Path(name).suffix
    if suffix == ".zst":
        expected.write_csv(tmp_path / name, compression="zstd", check_extension=False)
    else:
        (tmp_path / name).write_bytes(raw or COMPRESS[suffix](text.encode()))
    one = source("csv", name, **settings)
    columns = one.columns(tmp_path)
    assert [c.type for c in columns] == ["integer", "number", "category"]
    assert one.values(tmp_path, "w") == (("Müller", "so; so", "Zürich"), True)
    assert one.scan(tmp_path, columns).collect().equals(expected, null_equal=True)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_folders_and_patterns_stand_for_all_their_files(kind: str, tmp_path: Path) -> None:
    for year, month in ((2023, 12), (2024, 1), (2024, 2)):
        folder = tmp_path / f"parts/year={year}/month={month}"
        folder.mkdir(parents=True)
        frame = pl.DataFrame({"n": [month, month + 100], "w": ["a", "b"]})
        frame.write_csv(folder / "rows.csv")
        frame.write_parquet(folder / "rows.parquet")
    (tmp_path / "parts/_SUCCESS.csv").write_text("")
    for path, numbers in (("parts", [12, 112, 1, 101, 2, 102]), (f"parts/year=2024/**/*.{kind}", [1, 101, 2, 102])):
        many = source(kind, path)
        columns = many.columns(tmp_path)
        assert [(c.name, c.type) for c in columns[2:]] == [("year", "integer"), ("month", "integer")]
        rows = many.scan(tmp_path, columns).collect()
        assert rows["n"].to_list() == numbers
        assert rows.row(-1) == (102, "b", 2024, 2)
    assert sorted(source(kind, f"parts/*/month=1/rows.{kind}").files(tmp_path)) == [
        f"parts/year=2024/month=1/rows.{kind}"
    ]
    odd = tmp_path / "parts/year=2025/month=1"
    odd.mkdir(parents=True)
    getattr(pl.DataFrame({"n": [1], "other": [2]}), f"write_{kind}")(odd / f"rows.{kind}")
    with pytest.raises(ValueError, match=r"year=2025/month=1/rows.* has different columns than parts/year=2023"):
        source(kind, "parts").columns(tmp_path)
    with pytest.raises(OSError, match="no file matches"):
        source(kind, "parts/*.txt").columns(tmp_path)


def test_an_encoding_that_is_wrong_further_down(tmp_path: Path) -> None:
    (tmp_path / "late.csv").write_bytes(b"w\n" + b"a\n" * 1_500 + "ü\n".encode("latin-1"))
    late = source("csv", "late.csv")
    with pytest.raises((StepError, pl.exceptions.PolarsError), match=r"UTF-8|utf-8"):
        late.scan(tmp_path, late.columns(tmp_path)).collect()
