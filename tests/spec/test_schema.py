"""The published schema: fresh, readable by editors, and of one mind with the reader."""

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlspec.diagnostics import SpecError, render
from mlspec.document import parse
from mlspec.spec import schema_check
from mlspec.spec.dump import resolved
from mlspec.spec.load import load
from mlspec.spec.read import read
from mlspec.spec.schema import schema, text

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"  # the exact texts; MLSPEC_UPDATE=1 writes them again
SPECS = sorted((ROOT / "specs").glob("*/project.yaml"))
GOOD = """\
project: {name: small}
data:
  sources: {people: {path: people.csv}}
  columns: {target: income}
model: {candidates: {one: {type: ridge}}}
"""
INVALID = {
    "unknown key at the top": ("project:", "projct: {}\nproject:"),
    "unknown key": ("{name: small}", "{name: small, gaol: x}"),
    "missing key": ("columns: {target: income}", "columns: {}"),
    "not a mapping": ("{name: small}", "small"),
    "name with a space": ("name: small", "name: a b"),
    "number for text": ("name: small", "name: 3"),
    "unknown model": ("type: ridge", "type: rigde"),
    "no model type": ("type: ridge", "alpha: 1"),
    "field of another model": ("type: ridge", "type: ridge, epochs: 3"),
    "out of range": ("type: ridge", "type: torch.mlp, dropout: 1.5"),
    "text for a number": ("type: ridge", "type: torch.mlp, epochs: three"),
    "no candidates": ("{one: {type: ridge}}", "{}"),
    "bad source field": ("path: people.csv", "path: people.csv, seperator: ';'"),
    "no path": ("path: people.csv", "format: csv"),
    "bad part": ("path: people.csv", "path: people.csv, part: tset"),
    "unknown format": ("path: people.csv", "path: people.csv, format: stata"),
    "unit left out": ("model:", "constraints: {latency: {p95: 5}}\nmodel:"),
    "unknown unit": ("model:", "constraints: {size: {model: 5 MX}}\nmodel:"),
    "unknown step": ("model:", "preprocessing: {numeric: [imptue: mean]}\nmodel:"),
    "bad shorthand": ("model:", "preprocessing: {numeric: [impute: maen]}\nmodel:"),
    "two steps in one": ("model:", "preprocessing: {numeric: [{impute: mean, scale: standard}]}\nmodel:"),
    "unknown metric": ("model:", "evaluation: {metrics: [roc]}\nmodel:"),
    "unknown preset": ("model:", "backend: tpu\nmodel:"),
    "unknown engine": ("model:", "backend: {engine: lokal}\nmodel:"),
    "option with a line": ("model:", 'backend: {engine: slurm, options: ["--comment=a\\nb$(id)"]}\nmodel:'),
    "wrong pair": ("model:", "constraints: {quality: [{metric: r2, at_least: high}]}\nmodel:"),
    "three ends": ("columns:", "expect: [{column: age, between: [1, 2, 3]}]\n  columns:"),
    "slice of nothing": ("model:", "evaluation: {slices: [sex, []]}\nmodel:"),
    "slice of a number": ("model:", "evaluation: {slices: [sex, 3]}\nmodel:"),
    "group of too many": (
        "model:",
        "constraints: {fairness: [{metric: equalized_odds_difference, group: [a, b, c, d]}]}\nmodel:",
    ),
    "unknown fairness": ("model:", "constraints: {fairness: [{metric: parity, group: sex}]}\nmodel:"),
    "cost of nothing": ("{name: small}", "{name: small, users: {mistakes: {false_positive: 0}}}"),
    "unknown baseline": ("model:", "evaluation: {baselines: [majorty]}\nmodel:"),
    "rule without a column": ("model:", "evaluation: {baselines: [rule: {above: 3}]}\nmodel:"),
    "wrong version": ("project:", "mlspec: 2\nproject:"),
    "typo in a profile": ("model:", "profiles: {smoke: {dta: {sample: 20}}}\nmodel:"),
}


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema())


def test_the_file_is_what_the_types_say() -> None:
    assert (ROOT / "schema" / "project.schema.json").read_text() == text(), "run: mlspec schema --write"


def test_it_is_a_schema_whose_errors_can_be_read() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    for word in ('"oneOf"', '"anyOf"', '"unevaluatedProperties"'):
        assert word not in text()


def test_every_key_is_described() -> None:
    def nameless(value: Any, path: str) -> list[str]:
        found = []
        for name, inner in value.get("properties", {}).items():
            told = inner.get("description") or "const" in inner or "$ref" in inner or "description" in str(inner)
            found += [] if told else [f"{path}.{name}"]
        return found

    made = schema()
    assert nameless(made, "") == []
    assert [n for name, inner in made["$defs"].items() for n in nameless(inner, name)] == []


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.parent.name)
def test_the_examples_are_valid_and_read_back_from_their_resolved_form(
    path: Path, validator: jsonschema.Draft202012Validator
) -> None:
    project, document = read(path)
    assert list(validator.iter_errors(document.data)) == []
    again = parse(resolved(project), "resolved")
    assert load(again) == project
    assert list(validator.iter_errors(again.data)) == []


@pytest.mark.parametrize("name", INVALID)
def test_what_the_reader_refuses_the_schema_refuses(name: str, validator: jsonschema.Draft202012Validator) -> None:
    before, after = INVALID[name]
    document = parse(GOOD.replace(before, after, 1), "project.yaml")
    with pytest.raises(SpecError) as caught:
        load(document)
    assert len(caught.value.diagnostics) == 1, [d.message for d in caught.value.diagnostics]
    # A validator as editors have it, and ours.
    assert list(validator.iter_errors(document.data)) != []
    assert schema_check.violations(document, validator.schema, "schema-violation") != []
    shown = render(caught.value.diagnostics, document.texts)
    golden = GOLDEN / f"{name.replace(' ', '-')}.txt"
    if os.environ.get("MLSPEC_UPDATE"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(shown)
    assert shown == golden.read_text()


def test_the_good_one_is_good(validator: jsonschema.Draft202012Validator) -> None:
    document = parse(GOOD, "f")
    assert load(document).project.name == "small"
    assert list(validator.iter_errors(document.data)) == []


def test_overlays_point_at_where_a_value_comes_from(tmp_path: Path) -> None:
    (tmp_path / "project.yaml").write_text(GOOD + "profiles: {wide: {model: {candidates: {one: {alpha: -1}}}}}\n")
    for arguments, place in (
        ({"sets": ["model.candidates.one.alpha=-2"]}, "--set model.candidates.one.alpha:1:1"),
        ({"profile": "wide"}, "project.yaml:6:53"),
    ):
        with pytest.raises(SpecError) as caught:
            read(tmp_path / "project.yaml", **arguments)
        assert place in render(caught.value.diagnostics, caught.value.texts)
    project, _document = read(tmp_path / "project.yaml", sets=["data.split.seed=9", "profiles=null"])
    assert project.data.split.seed == 9
    assert project.profiles == {}
