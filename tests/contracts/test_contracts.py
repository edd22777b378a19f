"""Contracts of other tools: what each form gives, word for word, the way out and back, what hostile files do.

The expected YAML is in ``golden/``; ``MLSPEC_UPDATE=1 pytest tests/contracts`` writes it again, for review.
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import open_data_contract_standard as standard
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from open_data_contract_standard.model import OpenDataContractStandard

from mlspec import api
from mlspec.cli import main
from mlspec.contracts import odcs, reading, writing
from mlspec.contracts.contract import Contract, Field, anchored, atoms
from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.spec.expect import Expectation
from mlspec.spec.read import read as read_spec

HERE = Path(__file__).parent
FORMS = sorted((HERE / "forms").iterdir())
SCHEMA = json.loads((Path(standard.__file__).parent / "schema.json").read_text())
SPEC = """\
project: {name: orders, goal: Say who buys.}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: bought, id: id}
  personal: {town: {kind: quasi_identifier, action: {prefix: 2}}}
  expect:
    - {rows: {at_least: 3, at_most: 100000}}
    - {column: amount, between: [-10, 10], missing: {at_most: 0.05}}
    - {column: town, matches: "[a-z ]+", length: {at_least: 2, at_most: 50}, missing: {at_most: 0}}
    - {column: bought, allowed: ["yes", "no"], severity: warn}
    - {column: day, freshness: {at_most: 30d}}
    - {columns: [id, day], unique: true}
    - {column: amount, quantile: {at: 0.5, at_least: -1}, mean: {at_most: 2}, anomalies: {}}
    - {holds: "amount < 100"}
    - {column: amount, between: [-5, 5], tolerance: 0.01}
    - {rows: {change: {at_most: 0.5}}}
    - {column: amount, missing: {at_most: 0.5, change: {at_most: 0.05}}}
    - {column: bought, unseen: {at_most: 0.01}}
    - {columns: [id, amount], anomalies: {together: 2}}
model: {candidates: {one: {type: logistic_regression}}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    rows = ["id,day,amount,town,bought"]
    rows += [
        f"{i},2024-01-{i + 1:02},{i / 2},{'rome' if i % 3 else 'oslo'},{'yes' if i % 2 else 'no'}" for i in range(20)
    ]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "project.yaml").write_text(SPEC)
    return tmp_path / "project.yaml"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_reported_by_its_content_and_read(path: Path) -> None:
    found = reading.as_yaml(reading.read(path.read_bytes(), path.name), path.name)
    golden = HERE / "golden" / f"{path.stem}.yaml"
    if os.environ.get("MLSPEC_UPDATE"):
        golden.write_text(found)
    assert found == golden.read_text()
    told = parse(found, path.name).data["data"]
    expect = msgspec.convert([_plain(one) for one in told.get("expect", [])], list[Expectation])
    assert all(one.rows is not None or one.holds is not None or one.column or one.columns for one in expect)


def _plain(one: dict[str, Any]) -> dict[str, Any]:
    """An expectation whose durations are numbers, as the reader of specs would make it."""
    return {**one, "freshness": {"at_most": 1.0}} if "freshness" in one else one


@pytest.mark.parametrize("form", writing.FORMS)
def test_what_is_written_is_read_again(form: str, spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = spec.parent / f"out.{form}"
    assert main(["contract", "export", str(spec), "--format", form, "-o", str(out)]) == 0
    lacking = capsys.readouterr().err
    again = api.import_contract(out)
    types = {field.name: field.type for field in again.fields if field.type is not None}
    stated = atoms(read_spec(str(spec))[0].data.expect)
    kept = [one for one in stated if one in again.expect]
    if form == "odcs":
        assert kept == stated
        assert {field.name: field.personal for field in again.fields}["town"] == "quasi_identifier"
        _is_valid(yaml.safe_load(out.read_text()))
    assert len(kept) + lacking.count("not mapped: ") == len(stated), "what is not written is reported"
    assert len(kept) == {"odcs": 18, "great_expectations": 11, "pandera": 5, "croissant": 1}[form]
    wanted = {"id": "integer", "day": "date", "amount": "number", "town": "category", "bought": "category"}
    wanted |= {"day": "datetime"} if form == "pandera" else {}
    assert types == ({} if form == "great_expectations" else wanted)


def _is_valid(made: dict[str, Any]) -> None:
    """Against the standard's own schema and its own library."""
    jsonschema.Draft201909Validator(SCHEMA).validate(made)
    OpenDataContractStandard(**made)


LEAN = """\
project: {name: orders}
data:
  sources: {rows: {path: rows.csv}}   # as they come
  columns: {target: bought}
  %s
model: {candidates: {one: {type: logistic_regression}}}
"""


@pytest.mark.parametrize(
    "own", ["split: {by: random}", "expect:\n    # ours\n    - {column: amount, between: [0, 1]}   # one", "expect: []"]
)
def test_a_contract_is_added_to_a_spec_and_what_stands_there_stays(
    own: str, spec: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, lean = spec.parent / "out.yaml", spec.parent / "lean.yaml"
    out.write_text(api.export_contract("odcs", spec)[0])
    lean.write_text(LEAN % own)
    assert main(["contract", "import", str(out), "--write", str(lean)]) == 0
    text = lean.read_text()
    assert [line for line in (LEAN % own).splitlines() if "#" in line and line not in text.splitlines()] == []
    told = parse(text, "lean.yaml").data["data"]
    found = api.import_contract(out)
    assert [one for one in found.expect if one not in told["expect"]] == []
    assert told["columns"]["types"]["day"] == "date"
    assert told["personal"] == {"town": {"kind": "quasi_identifier"}}
    assert main(["contract", "import", str(out), "--write", str(lean)]) == 0
    assert lean.read_text() == text, "once is enough"
    lean.write_text(text.replace("day: date", "day: datetime"))
    capsys.readouterr()
    assert main(["contract", "import", str(out), "--write", str(lean)]) == 0
    assert "not added: data.columns.types.day: date: it is datetime here" in capsys.readouterr().err


NAMES = st.sampled_from(["a", "b c", "é", '"', "yes", "a: {b", "x\ny"])
ENDS = st.tuples(st.integers(-100, 100), st.floats(-1e6, 1e6).map(lambda x: round(x, 3))).map(sorted)
BOUNDS = st.one_of(ENDS.map(lambda e: {"at_least": e[0], "at_most": e[1]}), st.just({"at_most": 4}))
CHECKS = st.one_of(
    ENDS.map(lambda ends: {"between": ends}),
    st.lists(st.one_of(st.text(max_size=5), st.integers(-9, 9)), min_size=1, max_size=4).map(lambda v: {"allowed": v}),
    st.sampled_from(["[a-z]+", "^a|b$", "\\d{3}", "x$"]).map(lambda p: {"matches": p}),
    st.floats(0, 1).map(lambda share: {"missing": {"at_most": share}}),
    st.just({"unique": True}),
    BOUNDS.map(lambda b: {"length": b}),
    BOUNDS.map(lambda b: {"mean": b}),
    BOUNDS.map(lambda b: {"groups": {"rows": b}}),
)
REST = st.sampled_from([{}, {}, {"severity": "warn"}, {"tolerance": 0.25}, {"on_fail": "drop_rows"}])


@settings(max_examples=50, deadline=None)
@given(
    types=st.dictionaries(NAMES, st.sampled_from(sorted(odcs.WRITTEN)), min_size=1),
    asked=st.lists(st.tuples(st.integers(0, 99), CHECKS, REST), max_size=6),
)
def test_the_way_to_a_contract_and_back_loses_nothing(types: dict[str, Any], asked: list[Any]) -> None:
    names = list(types)
    expect = [{"column": names[at % len(names)], **check, **rest} for at, check, rest in asked]
    expect.append({"columns": names[:3], "unique": True} if len(names) > 1 else {"rows": {"at_least": 1, "at_most": 9}})
    made = Contract(
        format="", name="c", fields=tuple(Field(name=n, type=t) for n, t in types.items()), expect=tuple(expect)
    )
    text = odcs.write(made)
    _is_valid(yaml.safe_load(text))
    again = reading.read(text.encode(), "c.yaml")
    assert {field.name: field.type for field in again.fields} == types
    assert [one for one in expect if one not in again.expect] == []
    assert [one for one in again.expect if one not in expect] == []
    assert again.unmapped == ()
    assert [dict(one) for one in parse(reading.as_yaml(again, "c"), "c").data["data"]["expect"]] == list(again.expect)


@given(st.sampled_from(["@", "^a+$", "a|b", "^a|b$", "a$", "^(?:a|b)$", "\\d"]), st.text("ab1@ \n", max_size=4))
def test_a_pattern_means_the_same(pattern: str, value: str) -> None:
    import re

    if not value.endswith("\n"):
        assert bool(re.fullmatch(anchored(pattern), value)) == bool(re.search(pattern, value))


HOSTILE = {
    "nothing": (b"", "is empty"),
    "some other yaml": (b"a: 1\n", "is no contract of a known form"),
    "half a json": (b'{"expectations": [', ""),
    "bytes": (b"\xff\xfe\x00", ""),
    "deep": (b"[" * 100_000, ""),
    "deep and whole": (b'{"expectations": ' + b"[" * 200 + b"]" * 200 + b"}", "nested more than 64 deep"),
    "large": (b"a" * 1_100_000, "a contract has 1,048,576 at most"),
    "bomb": (b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
        b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n" % ((c, c, *[c - 1] * 8)) for c in range(98, 110)), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_contract_is_reported(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, said = HOSTILE[name]
    (tmp_path / "c.yaml").write_bytes(content)
    assert main(["contract", "import", str(tmp_path / "c.yaml")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "error[" in told.err
    assert said in told.err


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)


@given(st.sampled_from(FORMS), st.data())
def test_wrong_types_anywhere_never_end_in_a_traceback(path: Path, data: st.DataObject) -> None:
    try:
        whole = reading._document(path.read_bytes(), path.name).data
    except SpecError:  # pragma: no cover
        raise AssertionError from None
    at: Any = whole
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            at[key] = data.draw(JUNK)
            break
        at = at[key]
    # With the check by a schema and, where that refuses, without: a schema need not know every wrong type.
    form = next((form for form in reading.FORMS if form.fits(whole)), None)
    if form is not None:
        form.read(whole)
    try:
        made = reading.read(json.dumps(whole, allow_nan=True).encode(), "c.json")
    except SpecError:
        return
    parse(reading.as_yaml(made, "c.json"), "c.yaml")
