"""JSON Lines as services write them: a key of any row is a column, and what cannot be read is named with its place."""

import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.diagnostics import SpecError
from mlspec.plugins.base import Schema
from mlspec.sources import _json_tables, _records
from mlspec.sources.json import Json
from mlspec.sources.jsonl import Jsonl
from mlspec.steps.data import raw_rows

HINT = ": nested: flatten makes its keys columns, nested: drop leaves it out"


def lines(folder: Path, *rows: Any, name: str = "t.jsonl", **keys: Any) -> Jsonl:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return Jsonl(path=name, **keys)


def types(columns: Schema) -> dict[str, str]:
    return {column.name: column.type for column in columns}


def both(folder: Path, *rows: Any, **keys: Any) -> tuple[Schema, list[tuple[Any, ...]]]:
    """The columns, and the rows as both ways of reading give them."""
    source = lines(folder, *rows, **keys)
    columns = source.columns(folder)
    assert source.settled(folder, columns) == columns, "the first rows are all"
    slow = source.scan(folder, columns).collect()
    quick = source.quick(folder, columns)
    if quick is not None:
        with contextlib.suppress(pl.exceptions.PolarsError):
            assert quick.collect().equals(slow), "both ways of reading agree"
    return columns, slow.rows()


def test_a_key_that_first_comes_late_is_a_column(tmp_path: Path) -> None:
    source = lines(tmp_path, *[{"a": 1}] * 1_100, {"late": 2.5, "a": 3}, {"emb": [1, 2]})
    columns = source.columns(tmp_path)
    assert types(columns) == {"a": "integer"}
    settled = source.settled(tmp_path, columns)
    assert types(settled) == {"a": "integer", "late": "number", "emb_0": "number", "emb_1": "number"}
    rows = source.scan(tmp_path, settled).collect()
    assert rows.rows()[-3:] == [(1, None, None, None), (3, 2.5, None, None), (None, None, 1.0, 2.0)]


def test_a_few_texts_among_numbers_are_named_with_line_and_key(tmp_path: Path) -> None:
    source = lines(tmp_path, *[{"a": n, "t": "x"} for n in range(1500)], {"a": True, "t": "y"}, {"a": "n/k"})
    settled = source.settled(tmp_path, source.columns(tmp_path))
    assert settled[0].type == "integer"
    assert settled[0].odd == (("true", "line 1501 of t.jsonl"), ("n/k", "line 1502 of t.jsonl"))
    missing = lines(tmp_path, {"a": 1}, {"a": "n/k"}, missing=["n/k"])
    assert types(missing.columns(tmp_path)) == {"a": "integer"}
    assert missing.scan(tmp_path, missing.columns(tmp_path)).collect().rows() == [(1,), (None,)]


def test_texts_further_down_make_a_column_text_and_the_first_is_named(tmp_path: Path) -> None:
    source = lines(tmp_path, *[{"a": n} for n in range(1100)], *[{"a": f"k{n}"} for n in range(50)])
    settled = source.settled(tmp_path, source.columns(tmp_path))
    assert settled[0].type == "category"
    assert settled[0].hint == (
        "it is a number in line 1 of t.jsonl and text in line 1101 of t.jsonl: all of it is read as text"
    )
    assert source.scan(tmp_path, settled).collect()["a"].to_list()[1098:1102] == ["1098", "1099", "k0", "k1"]


@pytest.mark.parametrize(
    ("values", "kind", "hint"),
    [
        (
            (5, "7"),
            "integer",
            "it is a number in line 1 of t.jsonl and text in line 2 of t.jsonl: all of it is read as integers",
        ),
        (
            ("x", True),
            "category",
            "it is text in line 1 of t.jsonl and true or false in line 2 of t.jsonl: all of it is read as text",
        ),
    ],
)
def test_a_key_of_mixed_types_is_named_with_its_lines(values: Any, kind: str, hint: str, tmp_path: Path) -> None:
    columns, _rows = both(tmp_path, *({"c": value} for value in values))
    assert [(one.type, one.hint) for one in columns] == [(kind, hint)]


def test_integers_are_exact(tmp_path: Path) -> None:
    ids = [1582218195625938945 + n for n in range(3)]
    columns, rows = both(tmp_path, *[{"id": one, "far": 2**80 + one} for one in ids])
    assert types(columns) == {"id": "integer", "far": "category"}
    assert rows == [(one, str(2**80 + one)) for one in ids]


def test_objects_are_left_out_flattened_or_dropped(tmp_path: Path) -> None:
    rows = [{"u": {"a": 1, "b": {"c": "x"}, "e": [1, 2]}, "y": 1}, {"u": None, "y": 2}, {"u": {}, "y": 3}]
    columns, read = both(tmp_path, *rows)
    assert [(one.name, one.type, one.hint) for one in columns] == [
        ("u", "other", f"it is an object (a, b, e){HINT}"),
        ("y", "integer", ""),
    ]
    assert [row[1] for row in read] == [1, 2, 3]
    columns, read = both(tmp_path, *rows, nested="flatten")
    assert types(columns) == {
        "u.a": "integer",
        "u.b.c": "category",
        "u.e_0": "number",
        "u.e_1": "number",
        "y": "integer",
    }
    assert read == [(1, "x", 1.0, 2.0, 1), (None, None, None, None, 2), (None, None, None, None, 3)]
    columns, read = both(tmp_path, *rows, nested="drop")
    assert (types(columns), read) == ({"y": "integer"}, [(1,), (2,), (3,)])


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ([[1], [1, 2]], "its lists have length 1, but 2 in line 2 of t.jsonl: write lists of one length"),
        ([["x"], None], "it is a list of texts, lists or objects: write a key for each value"),
        ([[[1]], None], "it is a list of texts, lists or objects: write a key for each value"),
        ([[], []], "its lists are empty"),
        ([{"a": 1}, 5], "it is an object in line 1 of t.jsonl, but none in line 2 of t.jsonl"),
        ([[1], "x"], "it is a list in line 1 of t.jsonl, but none in line 2 of t.jsonl"),
    ],
)
def test_what_no_model_can_use_is_left_out_and_named(values: list[Any], hint: str, tmp_path: Path) -> None:
    columns, read = both(tmp_path, *({"c": value, "n": 7} for value in values))
    assert [(one.name, one.type, one.hint) for one in columns] == [("c", "other", hint), ("n", "integer", "")]
    assert [row[1] for row in read] == [7, 7]


def test_a_key_that_is_an_object_in_some_rows_alone_is_left_out_when_flattened(tmp_path: Path) -> None:
    source = lines(tmp_path, {"c": {"a": 1}, "n": 7}, {"c": 5, "n": 8}, nested="flatten")
    columns = source.columns(tmp_path)
    assert [(one.name, one.hint) for one in columns] == [
        ("n", ""),
        ("c", "it is an object in some rows, but none in line 2 of t.jsonl"),
    ]
    assert source.scan(tmp_path, columns).collect()["n"].to_list() == [7, 8]


@pytest.mark.parametrize(
    ("row", "keys", "text"),
    [
        ('{"n": 1, "x": NaN}', {}, "line 2 is not JSON: 'x' is NaN, which JSON does not have: write null"),
        ("[1]", {}, "line 2 is not a JSON object"),
        (
            '{"a.b": 1}',
            {"nested": "flatten"},
            "line 2 of t.jsonl: the key 'a.b' has a point, by which `nested: flatten` joins keys",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(row: str, keys: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2") as error:
        lines(tmp_path, {"n": 1}, row, **keys).columns(tmp_path)
    assert str(error.value) == text


def test_what_cannot_be_read_further_down_is_named_too(tmp_path: Path) -> None:
    lines(tmp_path, *[{"n": 1}] * 1_500, '{"n": NaN}')
    with pytest.raises(SpecError) as error:
        raw_rows.looked_at(str(tmp_path / "t.jsonl"), {})
    (found,) = error.value.diagnostics
    assert found.message.endswith("line 1501 is not JSON: 'n' is NaN, which JSON does not have: write null")


def test_a_json_array_under_the_name_of_lines_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it is one JSON array: rename it to end in .json, or write an object a line"):
        lines(tmp_path, '[{"a": 1},', ' {"a": 2}]').columns(tmp_path)


def test_compressed_lines_and_empty_ones(tmp_path: Path) -> None:
    columns, rows = both(tmp_path, {"a": 1}, "", {"a": "2"}, name="t.jsonl.gz")
    assert (types(columns), rows) == ({"a": "integer"}, [(1,), (2,)])


RECORDS = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
TABLES: dict[str, Any] = {
    "records": RECORDS,
    "columns": {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": None}},
    "columns by name": {"a": {"k": 1, "l": 2}, "b": {"k": "x", "l": None}},
    "index": {"0": RECORDS[0], "1": RECORDS[1]},
    "split": {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, None]]},
    "table": {"schema": {"fields": []}, "data": RECORDS},
    "lists": {"a": [1, 2], "b": ["x", None]},
    "answer": {"count": 2, "results": RECORDS, "links": []},
}


@pytest.mark.parametrize("form", [*TABLES, "lines", "compressed", "indented"])
def test_a_json_document_is_a_table(form: str, tmp_path: Path) -> None:
    text = json.dumps(TABLES.get(form, RECORDS), indent=2 if form == "indented" else None)
    if form == "lines":
        text = "".join(f"{json.dumps(row)}\n" for row in RECORDS)
    name = "t.json.gz" if form == "compressed" else "t.json"
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if form == "compressed" else text.encode())
    source = Json(path=name)
    columns = source.columns(tmp_path)
    assert types(columns) == {"a": "integer", "b": "category"}
    assert source.settled(tmp_path, columns) == columns
    assert source.scan(tmp_path, columns).collect().rows() == [(1, "x"), (2, None)]
    assert source.values(tmp_path, "a") == (("1", "2"), True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "row 1 is no object: a table is an array of objects"),
        (
            '{"a": 1}',
            "it is one JSON object, but no table: write an array of objects, as `jq` does with the path to it "
            "(`.results`)",
        ),
        ('{"a": [1], "b": [1, 2]}', "its arrays have several lengths, so they are no columns of a table"),
        ("[{]", "it is not JSON: JSON is malformed: expected '\"' (byte 2)"),
        ("a,b", "it is no JSON array, and no JSON object"),
        ("[]", "the file is empty"),
        ("[" * 100_000, "it is not JSON: it is nested too deeply"),
        ('[{"a": 1}, {"a": NaN}]', "it is not JSON: in row 2, 'a' is NaN, which JSON does not have: write null"),
    ],
)
def test_a_json_document_that_is_no_table_is_named(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(ValueError) as error:  # noqa: PT011  the text is what is tested
        Json(path="t.json").columns(tmp_path)
    assert str(error.value) == said


def test_a_json_document_that_is_too_large_names_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json_tables, "LARGEST", 1 << 20)
    (tmp_path / "t.json").write_text(json.dumps([{"a": "x" * 100}] * 20_000))
    with pytest.raises(
        ValueError, match=r"more than 1 MiB, .*: write an object a line \(`jq -c '.\[\]'`\) and name it .jsonl"
    ):
        Json(path="t.json").columns(tmp_path)
    monkeypatch.setattr(_json_tables, "BY_COLUMN", 10)
    (tmp_path / "t.json").write_text(json.dumps(TABLES["split"]))
    with pytest.raises(ValueError, match="columns one after the other: write an array of objects"):
        Json(path="t.json").columns(tmp_path)
    assert Json(path="t.json").is_probed_apart(tmp_path)


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.sampled_from("ab7")
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["a", "b", "c_0"]), JSON), max_size=12),
    nested=st.sampled_from([None, "flatten", "drop"]),
)
def test_folding_cells_early_changes_no_type(rows: list[dict[str, Any]], nested: Any) -> None:
    placed = [(f"line {at}", row) for at, row in enumerate(rows)]
    whole = _records.columns(placed, nested, frozenset())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_records, "MOST_CELLS", 0)
        assert _records.columns(placed, nested, frozenset()) == whole
