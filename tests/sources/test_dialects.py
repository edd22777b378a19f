"""Damaged text files, made here: `init`, `profile` and `validate` agree on each, and what they print can be pasted."""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
import yaml
from msgspec.structs import replace
from polars.testing import assert_frame_equal

from mlspec import api
from mlspec.diagnostics import Diagnostic, SpecError
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
        ROWS.rename({"amount": 'the "amount" in EUR'}),
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
    assert [one.message for one in check(spec) if one.severity == "error"] == []
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
