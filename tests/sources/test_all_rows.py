"""Types that depend on all rows: decided by all of them, the same way as by the first ones, and kept."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec import api
from mlspec.cli import main
from mlspec.diagnostics import SpecError
from mlspec.plugins.base import Schema
from mlspec.sources import _bounds, _header, _infer
from mlspec.sources.csv import Csv

CELLS = (
    ("1", "2", "-3", "+4", "0", "00", "007", "9223372036854775807", "9223372036854775808", " 5", "6 "),
    ("4", "(4)", "($5)", "18446744073709551616", "-9"),
    ("1.5", "2e3", "inf", "nan", ".5", "1.", "-0.0", "00.5", "1e400"),
    ("true", "False", "TRUE"),
    ("2024-01-01", "2024/1/2", "2024-13-45"),
    ("2024-01-01T10:00", "2024-01-01 10:00:00.5Z", "2024-01-01 10:00+02:00"),
    ("3/14/2024", "12/1/2024", "1/2/2024", "31/12/2024", "14.3.2024", "1.2.2024", "14-Mar-2024", "1-dec-2023"),
    ("3/14/24 9:05 PM", "1/2/24 1:00 AM"),
    ("NA", "?", "-", "null", ""),
    ("a", "A7", "x y", "é", "１", "1_0", "0x1", "+-1"),
)
KINDS = st.lists(st.integers(0, len(CELLS) - 1), min_size=1, max_size=3)
COLUMN = KINDS.flatmap(lambda kinds: st.lists(st.sampled_from([c for k in kinds for c in CELLS[k]]), min_size=1))


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    _header.head.cache_clear()
    yield
    _header.head.cache_clear()


def types(folder: Path, rows: int) -> tuple[Schema, Schema]:
    """The columns of ``t.csv`` by so many first rows, and what these become by all."""
    source = Csv(path="t.csv")
    with patch.object(_bounds, "ROWS", rows):
        _header.head.cache_clear()
        first = source.columns(folder)
        found = source.settled(folder, first)
    _header.head.cache_clear()
    return first, found


@settings(max_examples=25, deadline=None)
@given(COLUMN, st.integers(1, 8), st.booleans())
def test_all_rows_give_the_type_that_a_look_at_all_of_them_gives(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], rows: int, many: bool
) -> None:
    folder = tmp_path_factory.mktemp("t")
    cells = cells + [str(k) for k in range(40)] if many else cells
    with (folder / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b"], *([cell, "z"] for cell in cells)])
    whole = Csv(path="t.csv").columns(folder)
    first, found = types(folder, rows)
    head = _infer.look(dict.fromkeys(set(cells[:rows]) - {""}, 1))
    if head.odd and not head.numbers and not head.forms and first[0].type == "category":
        assert found == first  # text stays text
    else:
        assert [(c.name, c.type, c.form, c.odd) for c in found] == [(c.name, c.type, c.form, c.odd) for c in whole]
        assert ("something else" in found[0].hint) == (first[0].type != "category" == found[0].type)


def spec(folder: Path, target: str = "y", more: str = "") -> str:
    path = folder / "project.yaml"
    path.write_text(
        f"project: {{name: t}}\ndata:\n  sources: {{t: {{path: t.csv{more}}}}}\n  columns: {{target: {target}}}\n"
        "model: {candidates: {one: {type: logistic_regression}}}\n"
    )
    return str(path)


def test_late_rows_decide_and_what_they_decide_is_kept(tmp_path: Path) -> None:
    rows = [f"{i},{i % 2 == 0},{'no' if i < 1400 else 'yes'},{i}" for i in range(1500)]
    rows += ["1.5,perhaps,yes,007"]
    (tmp_path / "t.csv").write_text("a,b,y,code\n" + "\n".join(rows) + "\n")
    path = spec(tmp_path)
    with pytest.raises(SpecError, match="1 distinct values in the first 1000 rows"):
        api.validate(path)  # the first rows alone
    assert not (tmp_path / ".mlspec").exists()
    checked = api.validate(path, all_rows=True)
    assert {c.name: c.type for c in checked.facts.raw["t"]} == {
        "a": "number",
        "b": "category",
        "y": "category",
        "code": "category",
    }
    again = api.validate(path)
    assert again.facts.raw == checked.facts.raw
    assert (again.facts.target_levels, again.facts.heads) == (("no", "yes"), ())
    assert again.project.project.task == "binary_classification"
    (tmp_path / "t.csv").write_text("a,b,y,code\n" + "\n".join(rows[::-1]) + "\n")
    assert api.validate(path).facts.heads == ("t",)  # another file


def test_of_many_values_of_a_target_it_is_known_that_there_are_more(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{max(0, i - 1200)}\n" for i in range(2000)))
    path = spec(tmp_path)
    Path(path).write_text(Path(path).read_text().replace("logistic_regression", "ridge"))
    for checked in (api.validate(path, all_rows=True), api.validate(path)):
        assert checked.project.project.task == "regression"
        assert (checked.facts.all_rows_seen, checked.facts.rows_seen) == (False, 2000)


def test_no_cell_is_kept_with_the_types(tmp_path: Path) -> None:
    rows = "".join(f"{'Zaphod' if i % 2 else 'Zaphod '},{i},{'yes' if i % 3 else 'no'}\n" for i in range(1500))
    (tmp_path / "t.csv").write_text(f"who,a,y\n{rows}")
    path = spec(tmp_path)
    for _look in range(2):  # the second one from what is kept
        (odd,) = api.validate(path, all_rows=True).diagnostics
        assert "'Zaphod'" in odd.notes[0]
    (entry,) = (tmp_path / ".mlspec" / "cache" / "types").iterdir()
    assert b"Zaphod" not in entry.read_bytes()


def test_what_is_kept_counts_only_where_it_was_written(tmp_path: Path) -> None:
    rows = "\n".join(f"{i},{'no' if i % 2 else 'yes'}" for i in range(1500))
    (tmp_path / "t.csv").write_text(f"a,y\n{rows}\n1.5,no\n")
    path = spec(tmp_path)
    api.validate(path, all_rows=True)
    entry = next((tmp_path / ".mlspec" / "cache" / "types").iterdir())
    entry.write_bytes(entry.read_bytes().replace(b'"number"', b'"category"'))
    assert api.validate(path).facts.heads == ("t",)


def test_one_cell_of_text_among_numbers_is_named_with_its_line(tmp_path: Path) -> None:
    rows = [f"{i},{'no' if i % 2 else 'yes'}" for i in range(1500)]
    rows[1200] = "12OO,no"
    (tmp_path / "t.csv").write_text("a,y\n" + "\n".join(rows) + "\n")
    api.validate(spec(tmp_path))  # not seen yet
    for look in (
        lambda: api.validate(spec(tmp_path), all_rows=True),
        lambda: api.profile(tmp_path / "t.csv"),
        lambda: api.profile(spec(tmp_path)),
        lambda: api.compile(spec(tmp_path), running=True),
    ):
        with pytest.raises(SpecError, match=r"line 1202 of .*t\.csv has '12OO'"):
            look()
    checked = api.validate(spec(tmp_path, more=', missing: ["12OO"]'), all_rows=True)
    assert checked.facts.raw["t"][0].type == "integer"
    assert api.validate(spec(tmp_path, more=', missing: ["12OO"]')).facts.heads == ()
    (tmp_path / "project.yaml").write_text(
        Path(spec(tmp_path)).read_text().replace("{target: y}", '{target: y, types: {"a": category}}')
    )
    assert api.validate(str(tmp_path / "project.yaml"), all_rows=True).diagnostics == ()


@pytest.mark.parametrize(
    ("cells", "kind", "first"),
    [
        (["03/04/2024", "03/14/2024"], "date", "2024-03-04"),
        (["3/4/2024", "14/3/2024"], "date", "2024-04-03"),
        (["3.4.2024", "5.6.2024"], "date", "2024-04-03"),
        (["3/14/2024 9:05 PM", "1/2/2024 12:00 AM"], "datetime", "2024-03-14 21:05:00"),
        (["14-Mar-2024", "2-Apr-2024"], "date", "2024-03-14"),
        (["3/14/24", "3/4/24"], "date", "2024-03-14"),
        (["1991 Jul", "1991 Aug"], "date", "1991-07-01"),
        (["2024-03", "2024-11"], "date", "2024-03-01"),
        (["3/2024", "11/2024"], "date", "2024-03-01"),
    ],
)
def test_dates_of_other_forms_are_dates(tmp_path: Path, cells: list[str], kind: str, first: str) -> None:
    (tmp_path / "t.csv").write_text("d,y\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells)))
    source = Csv(path="t.csv")
    columns = source.columns(tmp_path)
    assert columns[0].type == kind
    read = source.scan(tmp_path, columns).collect()
    assert str(read["d"][0]) == first
    quick = source.quick(tmp_path, columns)
    assert quick is not None
    assert quick.collect().equals(read)


def test_dates_that_leave_a_doubt_are_text_with_a_hint_that_works(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sold at,y\n3/4/2024,1\n5/6/2024,2\n")
    column = Csv(path="t.csv").columns(tmp_path)[0]
    assert column.type == "category"
    hint = column.hint.partition("dates: ")[2].split(" or ")
    for text, month in zip(hint, (3, 4), strict=True):
        source = Csv(path="t.csv", dates=json.loads(text))
        columns = source.columns(tmp_path)
        assert columns[0].type == "date"
        assert source.scan(tmp_path, columns).select(pl.col("sold at").dt.month()).collect().item(0, 0) == month
    assert "'%Q' is not a known part" in Csv(path="t.csv", dates={"sold at": "%Q"}).mistake()


def test_seasons_are_no_months(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("season,y\n2009-10,1\n2010-11,2\n")
    assert Csv(path="t.csv").columns(tmp_path)[0].type == "category"


def test_a_form_of_dates_that_late_rows_show_is_kept_with_the_model(tmp_path: Path) -> None:
    days = [f"{1 + i % 12}/{1 + i % 11}/2024" for i in range(1200)]
    (tmp_path / "t.csv").write_text("d,y\n" + "".join(f"{day},{i % 2}\n" for i, day in enumerate([*days, "3/14/2024"])))
    path = spec(tmp_path)
    api.validate(path, all_rows=True)
    graph = api.compile(path).plan.graph
    assert graph.steps["source.t"].params["columns"][0] == ["d", "date"]
    assert graph.steps["select"].params["reading"] == {"dates": {"d": "%m/%d/%Y"}}


def test_rows_of_rare_classes_and_without_a_target_are_counted_by_the_look_at_all(tmp_path: Path) -> None:
    rows = [f"{i},{('no', 'yes', '')[i % 3]}" for i in range(1500)]
    (tmp_path / "t.csv").write_text("a,y\n" + "\n".join([*rows, "7,maybe"]) + "\n")
    path = spec(tmp_path)
    assert api.validate(path).diagnostics == ()
    api.validate(path, all_rows=True)
    assert [one.message for one in api.validate(path).diagnostics] == [
        "500 of 1,501 rows (33.3%) have no 'y' and are left out",
        "classes of 'y' have fewer rows than there are parts, 3: 'maybe' (1 row)",
    ]


@pytest.mark.parametrize("name", ["*", "^a.*$"])
def test_a_name_that_the_engine_takes_for_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "t.csv").write_text(f"{name},ab,y\n1,2,0\n3,4,1\n")
    with pytest.raises(SpecError, match="takes for a pattern: rename it"):
        api.profile(tmp_path / "t.csv")


def test_validate_and_compile_say_that_they_saw_the_first_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(1500)))
    path = spec(tmp_path)
    for command in ("validate", "compile", "compile"):
        assert main([command, path]) == 0
        assert "column types are those of the first 1,000 rows of t; a run reads all" in capsys.readouterr().err
    assert main(["profile", path]) == 0
    capsys.readouterr()
    for command in ("validate", "compile"):
        assert main([command, path]) == 0
        assert "first 1,000 rows" not in capsys.readouterr().err
