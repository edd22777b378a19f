"""Damaged text files, made here: `init`, `profile` and `validate` agree on each, and what they print can be pasted."""

import contextlib
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import polars as pl
import pytest
import yaml
from msgspec.structs import replace
from polars.testing import assert_frame_equal

from mlspec import api
from mlspec.cli import main
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.sources import _row_by_row
from mlspec.sources._sniff import sniff
from mlspec.sources.csv import Csv
from mlspec.steps.data import raw_rows

HEADER = "id,amount,kind,y\n"
CELLS = [(str(i), f"{1000.25 + i * 1.5:.2f}", ("ash", "oak", "elm")[i % 3], ("yes", "no")[i % 2]) for i in range(60)]
CLEAN = HEADER + "".join(",".join(row) + "\n" for row in CELLS)
ROWS = pl.DataFrame(CELLS, schema=["id", "amount", "kind", "y"], orient="row").cast(
    {"id": pl.Int64, "amount": pl.Float64}
)


def rows(**change: Callable[[str], str]) -> str:
    """The clean rows with some cells written otherwise."""
    names = HEADER.strip().split(",")
    return "".join(
        ",".join(change.get(n, str)(cell) for n, cell in zip(names, row, strict=True)) + "\n" for row in CELLS
    )


def grouped(cell: str, between: str, decimal: str) -> str:
    return f"{float(cell):,.2f}".translate({ord(","): between, ord("."): decimal})


def below(cell: str) -> str:
    """Amounts that end in 5 as an accountant writes negative ones."""
    return f"({cell})" if "75" in cell[-4:] else cell


BELOW = ROWS.with_columns(
    amount=pl.when(pl.col("amount") % 1 == 0.75).then(-pl.col("amount")).otherwise(pl.col("amount"))
)
MISSING = ROWS.with_columns(amount=pl.when(pl.col("id") == 4).then(None).otherwise(pl.col("amount")))
DAMAGES: dict[str, tuple[str | bytes, dict[str, Any], pl.DataFrame]] = {
    "nothing": (CLEAN, {}, ROWS),
    "semicolons": (CLEAN.replace(",", ";"), {"separator": ";"}, ROWS),
    "tabs": (CLEAN.replace(",", "\t"), {"separator": "\t"}, ROWS),
    "bars": (CLEAN.replace(",", "|"), {"separator": "|"}, ROWS),
    "decimal comma": (CLEAN.replace(",", ";").replace(".", ","), {"separator": ";", "decimal": ","}, ROWS),
    "thousands": (HEADER + rows(amount=lambda c: f'"{grouped(c, ",", ".")}"'), {"thousands": ","}, ROWS),
    "blanks between thousands": (HEADER + rows(amount=lambda c: grouped(c, "\u00a0", ".")), {"thousands": " "}, ROWS),
    "euros": (
        (HEADER + rows(amount=lambda c: grouped(c, ".", "_") + " €")).replace(",", ";").replace("_", ","),
        {"separator": ";", "decimal": ",", "thousands": "."},
        ROWS,
    ),
    "accounting": (
        HEADER + rows(amount=lambda c: below("$" + grouped(c, ",", ".")).join('""')),
        {"thousands": ","},
        BELOW,
    ),
    "plain numbers in parentheses": (HEADER + rows(amount=below), {}, BELOW),
    "euros in parentheses": (
        (HEADER + rows(amount=lambda c: below(grouped(c, ".", "_") + " €"))).replace(",", ";").replace("_", ","),
        {"separator": ";", "decimal": ",", "thousands": "."},
        BELOW,
    ),
    "dollars": (HEADER + rows(amount=lambda c: f"${c}"), {}, ROWS),
    "percent": (HEADER + rows(amount=lambda c: f"{c} %"), {}, ROWS),
    "percent in some": (HEADER + rows(amount=lambda c: f"{c}%" if c < "1040" else c), {}, ROWS),
    "stated separator": ("sep=;\n" + CLEAN.replace(",", ";"), {}, ROWS),
    "byte order mark": (b"\xef\xbb\xbf" + CLEAN.encode(), {}, ROWS),
    "utf-16": (CLEAN.encode("utf-16"), {"encoding": "utf-16"}, ROWS),
    "latin-1": (
        CLEAN.replace("ash", "Ölbaum").encode("latin-1"),
        {"encoding": "latin-1"},
        ROWS.with_columns(pl.col("kind").replace("ash", "Ölbaum")),
    ),
    "carriage returns": (CLEAN.replace("\n", "\r"), {}, ROWS),
    "carriage returns twice": (CLEAN.replace("\n", "\r\r\n"), {}, ROWS),
    "blank rows": (CLEAN.replace("\n7,", "\n\n7,").replace("\n9,", "\n,,,\n9,") + "\n,,,\n\n", {}, ROWS),
    "a title": ("Our trees\n\n" + CLEAN, {"skip": 2}, ROWS),
    "notes above": (
        "Source,Our trees,\nLast updated,2024-01-01,\n\n" + CLEAN.replace("ash", '5" ash'),
        {"skip": 3},
        ROWS.with_columns(pl.col("kind").replace("ash", '5" ash')),
    ),
    "a title, semicolons": ("Our trees\n" + CLEAN.replace(",", ";"), {"skip": 1, "separator": ";"}, ROWS),
    "rows of blanks": (CLEAN.replace("\n7,", "\n   \n7,").replace("\n9,", "\n , , ,\n9,"), {}, ROWS),
    "total": (CLEAN + "Total,66000,,\n", {"footer": 1}, ROWS),
    "note": (CLEAN + "\nSource: our own count\n", {"footer": 1}, ROWS),
    "trailing separators": (CLEAN.replace("\n", ",\n"), {}, ROWS),
    "trailing separators in rows": (HEADER + rows(y=lambda c: f"{c},"), {}, ROWS),
    "index": (
        "," + HEADER + "".join(f"{i},{line}\n" for i, line in enumerate(rows().splitlines())),
        {},
        ROWS.select(pl.int_range(60).alias(""), pl.all()),
    ),
    "names of rows": (HEADER.replace("id,", "") + rows(), {}, ROWS.rename({"id": ""})),
    "a name twice": (CLEAN.replace("kind", "id", 1), {}, ROWS.rename({"kind": "id_2"})),
    "no name": (CLEAN.replace("kind", "", 1), {}, ROWS.rename({"kind": "column_3"})),
    "name with quotes and a line break": (
        CLEAN.replace("amount", '"the ""amount""\nin EUR"', 1),
        {},
        ROWS.rename({"amount": 'the "amount"\nin EUR'}),
    ),
    "blanks around cells": (CLEAN.replace(",", " , "), {}, ROWS),
    "a blank before quotes": (
        CLEAN.replace(",", ", ").replace(" ash", ' "ash, tree"'),
        {},
        ROWS.with_columns(pl.col("kind").replace("ash", "ash, tree")),
    ),
    "quotes in texts": (CLEAN.replace("ash", '5" ash'), {}, ROWS.with_columns(pl.col("kind").replace("ash", '5" ash'))),
    "one quote in a text": (
        CLEAN.replace("ash", '5"', 1),
        {},
        ROWS.with_columns(kind=pl.when(pl.col("id") == 0).then(pl.lit('5"')).otherwise(pl.col("kind"))),
    ),
    "a quote that opens": (
        CLEAN.replace("ash", '" ash'),
        {"quote": ""},
        ROWS.with_columns(pl.col("kind").replace("ash", '" ash')),
    ),
    "cells of two lines": (
        CLEAN.replace("ash", '"a\n""sh"""'),
        {},
        ROWS.with_columns(pl.col("kind").replace("ash", 'a\n"sh"')),
    ),
    "no header": (
        CLEAN.removeprefix(HEADER),
        {"header": False},
        ROWS.rename(dict(zip(ROWS.columns, [f"column_{i}" for i in range(1, 5)], strict=True))),
    ),
    "question mark": (HEADER + rows(amount=lambda c: "?" if c == "1006.25" else c), {"missing": ["?"]}, MISSING),
    "a word for missing": (
        HEADER + rows(amount=lambda c: "none" if c == "1006.25" else c),
        {"missing": ["none"]},
        MISSING,
    ),
    "blanks and single quotes": (
        "'id' 'amount' 'kind' 'y'\n" + rows().replace(",", " "),
        {"separator": " ", "quote": "'"},
        ROWS,
    ),
    "NA that is a text too": (
        HEADER + rows(amount=lambda c: "NA" if c == "1006.25" else c, kind=lambda c: c.replace("ash", "NA")),
        {},
        MISSING.with_columns(pl.col("kind").replace("ash", "NA")),
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_all_commands_read_it_right(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content, settings, expected = DAMAGES[name]
    Path("rows.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    target = expected.columns[-1]

    assert sniff("csv", Path("rows.csv"), {}).settings == settings
    said = check(spec := spec_of(target, settings))
    assert [one.message for one in said if one.severity == "error"] == []
    by_profile, columns, _notes = raw_rows.looked_at("rows.csv", {})
    assert_frame_equal(by_profile.scan(Path(), columns).collect(), read_by(spec))
    if name != "percent in some":  # what the file means is for the user to say
        assert_frame_equal(read_by(spec), expected)

    spec = spec_of(target, {})
    pasted: list[str] = []
    while more := [hint for one in check(spec) for hint in hints(one) if hint not in pasted]:
        paste(spec, more[0])
        pasted.append(more[0])
    assert [one.notes for one in check(spec) if not str(one.notes).endswith("it is left out',)")] == []
    assert_frame_equal(read_by(spec), expected)


def spec_of(target: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "mlspec": 1,
        "project": {"name": "small"},
        "data": {"sources": {"rows": {"path": "rows.csv", **settings}}, "columns": {"target": target}},
        "model": {"candidates": {"one": {"type": "hist_gradient_boosting"}}},
    }


def check(spec: dict[str, Any]) -> list[Diagnostic]:
    """What `validate` says of a spec."""
    Path("project.yaml").write_text(yaml.safe_dump(spec, allow_unicode=True))
    try:
        return list(api.validate("project.yaml").diagnostics)
    except SpecError as error:
        return list(error.diagnostics)


def test_numbers_that_are_all_in_parentheses_are_text_until_the_spec_says_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(HEADER + rows(amount=lambda cell: f"({cell})"))
    (said,) = check(spec := spec_of("y", {}))
    assert read_by(spec)["amount"][0] == "(1000.25)"
    paste(spec, *hints(said))
    assert check(spec) == []
    assert read_by(spec)["amount"].to_list() == (-ROWS["amount"]).to_list()


def read_by(spec: dict[str, Any]) -> pl.DataFrame:
    """The rows as a run of a spec reads them."""
    source = msgspec.convert(spec["data"]["sources"]["rows"], Csv)
    types = spec["data"]["columns"].get("types", {})
    columns = tuple(replace(c, type=types.get(c.name, c.type)) for c in source.columns(Path()))
    whole = source.scan(Path(), columns).collect()
    with contextlib.suppress(pl.exceptions.PolarsError):
        quick = source.quick(Path(), columns)
        assert quick is None or quick.collect().equals(whole)
    return whole


def hints(said: Diagnostic) -> list[str]:
    """What a diagnostic says to write."""
    text = "\n".join([said.message, said.label, *said.notes])
    found: list[str] = re.findall(r"(?:add|write) ([a-z.]+: (?:\[.*?\]|\{.*?\}|\".*?\"|[\w-]+))", text)
    return found


def paste(spec: dict[str, Any], hint: str) -> None:
    """Puts a hint where it belongs: a key of the source, or one with the whole path."""
    place, _colon, value = hint.partition(": ")
    *path, key = place.split(".") if "." in place else ("data", "sources", "rows", place)
    there: Any = spec
    for name in path:
        there = there.setdefault(name, {})
    parsed = yaml.safe_load(value)
    there[key] = {**there.get(key, {}), **parsed} if isinstance(parsed, dict) else parsed


LATE = HEADER + "".join(f"{i},{i}.5,oak,{'yn'[i % 2]}\n" for i in range(1500))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (LATE + "9,8\n" + rows(), "line 1502 has 2 cells, but 4 are expected"),
        (LATE + "9,8,7,6,5\n", "line 1502 has 5 cells, but 4 are expected"),
        (LATE + '9,8,"elm,y\n' + rows(), "line 1502 has a quote that closes nowhere, or inside a cell"),
        (LATE.encode() + "9,8,Ölbaum,y\n".encode("latin-1"), "not UTF-8 text: line 1502: add encoding: latin-1"),
        (LATE + "9,8,o\0k,y\n", "line 1502 has a zero byte"),
    ],
    ids=["too short", "too long", "quote", "encoding", "zero byte"],
)
def test_what_is_wrong_further_down_is_named_with_its_line(
    content: str | bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    stated = Csv(path="rows.csv")
    with pytest.raises(SpecError) as error, raw_rows.reading("rows.csv", Path(), stated):
        stated.scan(Path(), stated.columns(Path())).collect()
    assert said in error.value.diagnostics[0].message
    if "encoding" in said:  # `profile` finds it out, and reads the file
        source, columns, _notes = raw_rows.looked_at("rows.csv", {})
        assert source.scan(Path(), columns).collect().height == 1501
        return
    with pytest.raises(SpecError) as error:
        raw_rows.looked_at("rows.csv", {})
    assert said in error.value.diagnostics[0].message


def test_what_is_odd_further_down_is_read_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(LATE + '9,8,5" elm,y\n\n,,,\n9,8,"5"" elm",y\n')
    source, columns, notes = raw_rows.looked_at("rows.csv", {})
    read = source.scan(Path(), columns).collect()
    assert (read.height, read["kind"][-2:].to_list(), notes) == (1502, ['5" elm', '5" elm'], ())
    Path("rows.csv").write_text(LATE + "Total,1125000,,\n")
    way = "a row at its end begins with 'Total': add footer: 1 if it is no data (or footer: 0 if it is)"
    with pytest.raises(ValueError, match=re.escape(way)):
        Csv(path="rows.csv").columns(Path())
    source, columns, notes = raw_rows.looked_at("rows.csv", {})
    assert source.scan(Path(), columns).collect().height == 1500
    assert notes == ("the last row is no data ('Total'), and left out",)


def test_a_table_without_rows_is_said_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(HEADER)
    text = "can't be read as csv: it has no rows, only a header"
    assert [text in one.message for one in check(spec_of("y", {}))] == [True]
    with pytest.raises(SpecError) as error:
        raw_rows.looked_at("rows.csv", {})
    assert text in error.value.diagnostics[0].message


def test_options_say_how_a_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("".join(f"{i};1,{i:03};x{i % 3};{'ab'[i % 2]}\n" for i in range(40)))
    given = ["--separator", ";", "--thousands", ",", "--no-header", "--missing", "x0", "--encoding", "cp1252"]
    assert main(["profile", "rows.csv", *given]) == 0
    assert re.search(r"column_2 +integer +0 +40 +1,000 to 1,039", capsys.readouterr().out)
    assert main(["init", "rows.csv", "--no-trial", *given]) == 0
    written = 'path: rows.csv, separator: ";", thousands: ",", encoding: cp1252, missing: [x0], header: false}'
    assert written in Path("project.yaml").read_text()
    assert main(["validate"]) == 0
    capsys.readouterr()
    assert main(["profile", "rows.csv", "--separator", ";;"]) == 2
    assert "error[bad-source]: 'rows.csv' can't be read as csv: " in capsys.readouterr().err
    assert main(["profile", "project.yaml", "--separator", ";"]) == 2


@pytest.mark.slow
def test_a_run_reads_what_init_has_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cells = [f'{i};1.{i:03},5 €;{"5"} " elm;{"ab"[i % 2]};' for i in range(120)]
    Path("rows.csv").write_bytes(("id;amount;kind;y\n" + "\n".join(cells) + "\n\nTotal;;;;\n").encode("cp1252"))
    assert main(["init", "rows.csv", "--target", "y", "--no-trial"]) == 0
    said = capsys.readouterr().err
    for note in (
        "'€' is left out of the numbers in 'amount'",
        "cells are separated by ';'",
        "numbers have a decimal comma",
        "the last row is no data ('Total')",
    ):
        assert note in said
    assert main(["run", "--only", "split"]) == 0


CELL = ("a", "1", "", "x y", '"q"', '"a,b"', '"l\nm"', '"d""d"', '5"', '""', " ", '"e" ', '"', "é", "\r", '"\r\n"')
OFTEN = (20, 20, 6, 5, 8, 4, 3, 3, 0.3, 2, 0.5, 0.3, 0.2, 1, 0.2, 1)


def test_what_the_data_engine_splits_is_split_as_python_does(tmp_path: Path) -> None:
    random, path = Random(0), tmp_path / "rows.csv"
    compared = 0
    for _file in range(150):
        width, end = random.choice([1, 2, 3]), random.choice(["\n", "\r\n"])
        lines = [",".join("abc"[:width])]
        lines += [",".join(random.choices(CELL, OFTEN, k=width)) for _line in range(random.randint(1, 8))]
        path.write_bytes((end.join(lines) + end * random.randint(0, 2)).encode())
        source = Csv(path="rows.csv", separator=",", header=True, footer=0, skip=0)
        try:
            table = source._table(path)
        except ValueError:
            continue
        if source._is_regular(path):
            by_engine = source._rows(path, source.head(path), "rows.csv", {}).collect()
            assert by_engine.equals(_row_by_row.frame(path, "utf-8", table, '"', 0, ("",)).collect()), lines
            compared += 1
    assert compared > 50


def test_init_drops_the_column_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(DAMAGES["index"][0])  # type: ignore[arg-type]
    assert main(["init", "rows.csv", "--no-trial"]) == 0
    assert '- ""  # it has no name, as the index that pandas or R writes' in Path("project.yaml").read_text()
    assert main(["validate"]) == 0
    assert "column-looks-odd" not in capsys.readouterr().err


@pytest.mark.parametrize(("cell", "is_missing"), [("missing", True), ("#N/A", True), (".", True), ("about ten", False)])
def test_a_word_among_numbers_is_missing_only_if_it_says_so(cell: str, is_missing: bool, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("n,y\n" + "".join(f"{cell if i == 7 else i},{'ab'[i % 2]}\n" for i in range(60)))
    found = sniff("csv", tmp_path / "rows.csv", {}).settings
    assert found == ({"missing": [cell]} if is_missing else {})


@pytest.mark.parametrize(
    "content", ["a,b\n1.5,x\n2.5,y\n", "a;b\n1,5;x\n2.500,25;y\n", 'a,b\n"1,234.5",$3\n"2,5",4 %\n', "a\n1 234\n"]
)
def test_settings_that_do_not_fit_a_file_are_named_or_hinted_at(content: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(content)
    for decimal, thousands, separator in product(".,", ("", ",", ".", " ", "'"), (None, ",", ";")):
        source = Csv(path="rows.csv", decimal=decimal, thousands=thousands, separator=separator)
        if source.mistake():
            assert decimal == thousands
            continue
        with contextlib.suppress(ValueError):
            source.columns(tmp_path)


def test_a_decimal_separator_that_is_stated_wrongly_is_a_hint(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1.5,x\n2.5,y\n")
    assert Csv(path="rows.csv", decimal=",").columns(tmp_path)[0].hint == (
        "numbers such as '1.5' are read as text: add decimal: \".\""
    )
