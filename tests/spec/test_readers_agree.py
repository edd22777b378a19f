"""Two readers of a spec, mlspec's own and the published JSON Schema with jsonschema, accept the same structure."""

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from mlspec.cli import main
from mlspec.diagnostics import SpecError
from mlspec.document import parse
from mlspec.spec import schema, schema_check
from mlspec.spec.load import load

ROOT = Path(__file__).parents[2]
SPEC = """\
project: {name: small}
data:
  sources: {people: {path: people.csv}}
  columns: {target: income}
model: {candidates: {one: {type: ridge}}}
"""
# Each is added to the spec, or put in place of a part of it; then whether it is accepted.
CASES = {
    "an empty key": ("{name: small}", "{name: small, '': x}", False),
    "a boolean for the version": ("project:", "mlspec: true\nproject:", False),
    "a whole float for the version": ("project:", "mlspec: 1.0\nproject:", True),
    "a name that ends in a line break": ("name: small", 'name: "small\\n"', False),
    "a float beyond 64 bits for an integer": ("  columns:", "  split: {seed: 1.0e+30}\n  columns:", False),
    "null for what may be absent": ("{type: ridge}}", "{type: ridge}}, mitigation: null", True),
    "an ending in capitals": ("people.csv", "PEOPLE.CSV", True),
    "an ending that says nothing": ("people.csv", "people.xyz", False),
    "an address with a query": ("people.csv", "https://example.org/people.csv?year=2024", True),
    "an ending in a query alone": ("people.csv", "https://example.org/people?file=a.csv", False),
    "an ending before a question mark": ("people.csv", "people.csv?x", False),
    "no format": ("path: people.csv", "path: people.csv, format: null", False),
    "a step without what it needs": ("model:", "evaluation: {baselines: [rule]}\nmodel:", False),
    "a step with null for what it needs": ("model:", "evaluation: {baselines: [rule: null]}\nmodel:", False),
    "a profile with a typo in it": ("model:", "profiles: {a: {data: {split: {sed: 1}}}}\nmodel:", False),
    "a profile with a wrong value": ("model:", "profiles: {a: {data: {split: {seed: x}}}}\nmodel:", False),
    "a profile that names no model": (
        "model:",
        "profiles: {a: {model: {candidates: {one: {epochs: 3}}}}}\nmodel:",
        True,
    ),
    "a key of no model": ("model:", "profiles: {a: {model: {candidates: {one: {epohcs: 3}}}}}\nmodel:", False),
    "a profile that takes away": (
        "model:",
        "profiles: {a: {data: {split: null, columns: {id: null}}}}\nmodel:",
        True,
    ),
    "a profile with a null in a list": ("model:", "profiles: {a: {evaluation: {metrics: [null]}}}\nmodel:", False),
    "a profile with another path": (
        "model:",
        "profiles: {a: {data: {sources: {people: {path: b.xyz}}}}}\nmodel:",
        True,
    ),
    "a backend that nobody names": ("model:", "profiles: {a: {backend: tpu}}\nmodel:", False),
    "a backend of the spec's own": ("model:", "backends: {tpu: {workers: 2}}\nbackend: tpu\nmodel:", True),
}


@pytest.fixture(name="published", scope="module")
def published_fixture() -> dict[str, Any]:
    return schema.schema()


def verdicts(text: str, published: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What each reader says of a spec."""
    document = parse(text, "project.yaml")
    by_schema = schema_check.violations(document, published, "schema-violation")
    try:
        load(document)
    except SpecError as error:
        return [one.message for one in error.diagnostics], [one.message for one in by_schema]
    return [], [one.message for one in by_schema]


@pytest.mark.parametrize("name", CASES)
def test_what_was_read_in_two_ways_is_read_in_one(name: str, published: dict[str, Any]) -> None:
    before, after, accepted = CASES[name]
    assert before in SPEC
    own, by_schema = verdicts(SPEC.replace(before, after, 1), published)
    assert (not own, not by_schema) == (accepted, accepted), (own, by_schema)


def test_they_agree_on_every_case_of_the_rules(published: dict[str, Any]) -> None:
    place = importlib.util.spec_from_file_location("cases_of_rules", ROOT / "tests/rules/test_rules.py")
    assert place is not None
    assert place.loader is not None
    rules = importlib.util.module_from_spec(place)
    place.loader.exec_module(rules)
    for name, case in rules.CASES.items():
        own, by_schema = verdicts(rules.spec_text(case), published)
        assert bool(own) == bool(by_schema), (name, own, by_schema)


@pytest.mark.parametrize("count", ["300", pytest.param("1500", marks=pytest.mark.slow)])
def test_they_agree_on_specs_that_are_changed_at_random(tmp_path: Path, count: str) -> None:
    fuzz, found = str(ROOT / "tests/fuzz"), str(tmp_path)
    command = [sys.executable, fuzz, "--target", "readers", "--count", count, "--workers", "1", "--findings", found]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert "refused" in done.stdout
    assert "accepted" in done.stdout


@pytest.mark.parametrize("path", sorted(ROOT.glob("specs/*/project.yaml")), ids=lambda path: path.parent.name)
def test_the_command_accepts_the_examples(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--schema", str(path)]) == 0
    assert capsys.readouterr().err.startswith("valid: ")


def test_the_command_says_all_that_is_wrong_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("project.yaml").write_text(
        "project: {name: small}\n"
        "data:\n"
        "  sources: {people: {path: people.csv, seperator: ';'}}\n"
        "  columns: {}\n"
        "model: {candidates: {one: {type: torch.mlp, dropout: 1.5, epochs: three}}}\n"
    )
    assert main(["validate", "--schema", "--set", "data.split.by=tmie"]) == 2
    assert capsys.readouterr().err == (Path(__file__).parent / "golden/schema-violation.txt").read_text()


def test_the_command_checks_what_is_merged_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = SPEC + "profiles: {bare: {data: {columns: {target: null}}}}\n"
    Path("project.yaml").write_text(text)
    assert main(["validate", "--schema", "--profile", "bare"]) == 2
    assert "error[schema-violation]: 'data.columns' lacks the key 'target'" in capsys.readouterr().err


def test_a_reference_elsewhere_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "schema.json"
    elsewhere.write_text('{"type": "string"}')
    document, reference = parse("a: 1", "f.yaml"), {"$ref": elsewhere.as_uri()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jsonschema warns where it fetches, and fetches nevertheless
        with pytest.raises(Exception, match="Unresolvable"):
            schema_check.violations(document, reference, "x")


def test_work_that_takes_too_long_ends() -> None:
    document, part = parse("a: {a: {a: {a: 1}}}", "f.yaml"), {"allOf": [{"properties": {"a": {}}}] * 2}
    for _ in range(6):
        part = {"allOf": [part] * 4}
    found = schema_check.violations(document, part, "x", most=10_000)
    assert [one.message for one in found] == [
        "the document is too large or too deeply nested to be checked by its schema"
    ]


def test_a_typo_in_a_profile_lists_the_keys_of_the_model_that_it_changes() -> None:
    text = (
        "mlspec: 1\nproject: {name: p}\ndata: {sources: {a: {path: a.csv}}, columns: {target: y}}\n"
        "model: {candidates: {one: {type: ridge}}}\nprofiles: {small: {model: {candidates: {one: {alhpa: 2}}}}}\n"
    )
    with pytest.raises(SpecError) as caught:
        load(parse(text, "project.yaml"))
    (found,) = caught.value.diagnostics
    assert found.label == "did you mean 'alpha'?"
    assert found.notes == ("keys here: type, rows, alpha",)
