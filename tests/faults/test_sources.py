"""Faults of files that are read where they lie: each ends in a diagnostic with its place, leaves nothing half-written,
and is forgotten as soon as the file is whole again."""

import gzip
import hashlib
import zlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from mlspec import api, paths
from mlspec.diagnostics import SpecError, render
from mlspec.store import upkeep
from mlspec.store.store import Store

ROWS = pl.DataFrame(
    {
        "age": [20 + i % 50 for i in range(3_000)],
        "town": [f"town {i % 30}" for i in range(3_000)],
        "note": [hashlib.sha256(str(i).encode()).hexdigest() for i in range(3_000)],
        "income": ["low" if i % 3 else "high" for i in range(3_000)],
    }
)
SPEC = """\
project: {{name: small}}
data:
  sources:
    people: {{path: {path}, minimum_rows: 3000}}
  columns: {{target: income, types: {{age: integer}}}}
model: {{candidates: {{one: {{type: logistic_regression}}}}}}
backend: {{engine: inline}}
"""


def whole(path: Path) -> None:
    """The file as it should be."""
    text = ROWS.write_csv().encode()
    if path.suffix == ".parquet":
        ROWS.write_parquet(path)
    else:
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)


def text(change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    """A fault of a CSV file, made of its lines."""

    def damage(path: Path) -> None:
        lines = path.read_text().splitlines(keepends=True)
        path.write_bytes("".join(change(lines)).encode("latin-1"))

    return damage


def cut(path: Path) -> None:
    """The last third is gone."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def flipped(path: Path) -> None:
    """A byte in the middle is another."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


FAULTS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "gone": ("people.csv", lambda path: path.unlink(), "error[source-not-found]: 'people.csv' can't be read"),
    "empty": ("people.csv", lambda path: path.write_bytes(b"") and None, "can't be read as csv: the file is empty"),
    "no text": ("people.csv", lambda path: path.write_bytes(b"\x00" * 99) and None, "this is not text"),
    "bad encoding": ("people.csv", text(lambda ls: [*ls[:2], "30,Zürich,low\n", *ls[2:]]), "not UTF-8 text: line 3"),
    "bad encoding further down": (
        "people.csv",
        text(lambda ls: [*ls[:2_500], "30,Zürich,,low\n", *ls[2_500:]]),
        "people.csv: not UTF-8 text: line 2501",
    ),
    "cut off": ("people.csv", text(lambda ls: ls[:2_000]),
        "people.csv has 1,999 rows, but at least 3,000 are required"),
    "cut off within a line": (
        "people.csv",
        text(lambda ls: [*ls[:2_999], "4"]),
        "line 3000 has 1 cells, but 4 are expected",
    ),
    "cut off, compressed": ("people.csv.gz", cut, "it is cut short"),
    "cut off, Parquet": ("people.parquet", cut, "error[source-unreadable]: source 'people' can't be read as parquet"),
    "bytes flipped, compressed": ("people.csv.gz", flipped, "source 'people' can't be read as csv: "),
    "column gone": (
        "people.csv",
        text(lambda ls: [line.replace("income", "other") for line in ls]),
        "error[unknown-column]: source 'people' has no column 'income'",
    ),
    "column renamed": (
        "people.csv",
        text(lambda ls: [ls[0].replace("age", "years"), *ls[1:]]),
        "error[unknown-column]: source 'people' has no column 'age'",
    ),
    "column retyped": (
        "people.csv",
        text(lambda ls: [*ls[:2_500], "old,town,,low\n", *ls[2_500:]]),
        "column 'age' of people.csv is an integer in its first rows, but row 2500 has 'old'",
    ),
    "cells added": (
        "people.csv",
        text(lambda ls: [ls[0], "20,a,,low,more\n", *ls[1:]]),
        "line 2 has 5 cells, but the header has 4",
    ),
    "wrong format": ("people.parquet", lambda path: path.write_text("age,income\n") and None, "it is text"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_reported_and_forgotten_when_it_is_repaired(name: str, tmp_path: Path) -> None:
    file, damage, said = FAULTS[name]
    spec, path = tmp_path / "project.yaml", tmp_path / file
    spec.write_text(SPEC.format(path=file))
    whole(path)
    damage(path)
    try:
        run = api.run(spec, only=["source.people"])
    except SpecError as error:
        shown = render(error.diagnostics, error.texts)
        assert f"{spec}:" in shown
    else:
        (failure,) = run.failures
        shown = failure.cause
        assert failure.place is not None
        assert (failure.place.line, failure.place.column) == (4, 13)
    assert said in shown
    assert "Traceback" not in shown
    store = Store(paths.store(paths.home(tmp_path)))
    assert [action for action in store.actions() if action.kind == "source"] == []
    whole(path)
    repaired = api.run(spec, only=["source.people"])
    assert repaired.failures == ()
    assert pl.read_parquet(store.path(repaired.steps[0].outputs["table"])).equals(ROWS)
    assert list(upkeep.verify(store)) == []


@pytest.mark.parametrize("change", ["before", "gone", "another"])
def test_a_file_that_changes_under_the_reader_gives_no_result(change: str, tmp_path: Path) -> None:
    spec, folder = tmp_path / "project.yaml", tmp_path / "parts"
    folder.mkdir()
    spec.write_text(SPEC.format(path="parts/*.csv"))
    whole(folder / "a.csv")
    compiled = api.compile(spec, only=["source.people"], running=True)
    if change == "before":
        (folder / "a.csv").write_bytes(ROWS.reverse().write_csv().encode())
        said = "parts/a.csv was changed while it was read; run again"
    elif change == "gone":
        (folder / "a.csv").rename(folder / "b.csv")
        said = "parts/a.csv was removed while it was read"
    else:
        whole(folder / "b.csv")
        said = "parts/b.csv was added while parts/*.csv was read; run again"
    (failure,) = api.execute(compiled).failures
    assert failure.cause == said
    again = api.run(spec, only=["source.people"])
    assert again.failures == ()
    store = Store(paths.store(paths.home(tmp_path)))
    rows = pl.read_parquet(store.path(again.steps[0].outputs["table"]))
    assert rows.height == (6_000 if change == "another" else 3_000)
    assert rows["age"][0] == (69 if change == "before" else 20)


CHANGES: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], str]] = {
    "added": (lambda rows: rows.with_columns(score=pl.col("age") * 2), "new columns: score"),
    "removed": (lambda rows: rows.drop("town"), "removed columns: town"),
    "renamed": (lambda rows: rows.rename({"town": "city"}), "removed columns: town"),
    "retyped": (lambda rows: rows.with_columns(pl.col("town").str.len_chars()), "town (from category to integer)"),
}


def test_columns_that_changed_since_they_were_pinned_are_named_before_anything_runs(tmp_path: Path) -> None:
    spec, path = tmp_path / "project.yaml", tmp_path / "people.csv"
    spec.write_text(
        SPEC.format(path="people.csv, on_change: fail").replace("types:", "drop: [note], types:")
        + "evaluation: {baselines: [majority]}\n"
    )
    whole(path)
    assert api.run(spec).failures == ()
    pinned = (tmp_path / "mlspec.lock").read_bytes()
    for change, said in CHANGES.values():
        change(ROWS).write_csv(path)
        with pytest.raises(SpecError) as caught:
            api.run(spec)
        shown = render(caught.value.diagnostics, caught.value.texts)
        assert "error[data-changed]: source 'people' differs from what mlspec.lock has pinned" in shown
        assert said in shown
        assert f"{spec}:4:5" in shown
        assert (tmp_path / "mlspec.lock").read_bytes() == pinned
    whole(path)
    assert all(step.action == "cached" for step in api.run(spec).steps)


def test_gzip_notices_what_was_flipped() -> None:
    """What the faults above rely on."""
    data = bytearray(gzip.compress(ROWS.write_csv().encode()))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises((OSError, zlib.error, EOFError)):
        gzip.decompress(bytes(data))
