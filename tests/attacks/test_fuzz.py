"""What fuzzing has found: inputs that ended in a traceback or a hang, and end in a diagnostic at its place."""

from pathlib import Path

import pytest

from mlspec import api
from mlspec.diagnostics import SpecError, render
from mlspec.document import parse

SPEC = """\
mlspec: 1
project: {name: p, goal: g}
constraints:
  quality:
    - {metric: balanced_accuracy, at_least: 0.5}
data:
  sources: {a: {path: d.csv}}
  columns: {target: y}
  split: {by: stratified, seed: 7}
model:
  candidates: {linear: {type: logistic_regression}}
"""
ROWS = "x,y\n" + "".join(f"{i},{'uv'[i % 2]}\n" for i in range(40))


def project(folder: Path, spec: str) -> str:
    (folder / "d.csv").write_text(ROWS)
    (folder / "project.yaml").write_text(spec)
    return str(folder / "project.yaml")


def refused(folder: Path, spec: str, *sets: str) -> str:
    with pytest.raises(SpecError) as caught:
        api.validate(project(folder, spec), sets=sets)
    return render(caught.value.diagnostics, {"project.yaml": spec, **caught.value.texts})


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("1" + "0" * 350, f"{'1' + '0' * 39}... is too large for an integer"),
        ("9" * 6000, f"{'9' * 40}... is too large for an integer"),
        ("0x" + "f" * 5000, f"0x{'f' * 38}... is too large for an integer"),
        ("0o" + "7" * 5000, f"0o{'7' * 38}... is too large for an integer"),
        (str(2**63), "9223372036854775808 is too large for an integer"),
        (str(-(2**63) - 1), "-9223372036854775809 is too large for an integer"),
        ("1e400", "1e400 is too large for a number"),
    ],
)
@pytest.mark.parametrize("place", ["at_least: 0.5", "seed: 7"])
def test_a_number_that_nothing_can_hold_is_refused_at_its_place(
    number: str, message: str, place: str, tmp_path: Path
) -> None:
    key = place.split(":")[0]
    found = refused(tmp_path, SPEC.replace(place, f"{key}: {number}"))
    assert f"error[not-a-number]: {message}\n" in found
    assert f":{5 if key == 'at_least' else 9}:" in found.split("\n")[1]
    assert "^ write a smaller, finite number, or quote it" in found


def test_the_largest_integers_are_read() -> None:
    text = f"a: {2**63 - 1}\nb: {-(2**63)}\nc: 0x7fffffffffffffff\n"
    assert parse(text, "f").data == {"a": 2**63 - 1, "b": -(2**63), "c": 2**63 - 1}


def test_a_number_that_is_too_large_for_an_integer_is_none(tmp_path: Path) -> None:
    found = refused(tmp_path, SPEC.replace("seed: 7", "seed: 1e300"))
    assert "error[wrong-type]: 'data.split.seed' must be an integer" in found


@pytest.mark.parametrize("setting", ["separator", "decimal", "quote"])
def test_a_text_that_is_too_long_is_refused_before_anybody_uses_it(setting: str, tmp_path: Path) -> None:
    found = refused(tmp_path, SPEC.replace("{path: d.csv}", f"{{path: d.csv, {setting}: ab}}"))
    assert f"error[out-of-range]: 'data.sources.a.{setting}' is too long\n" in found
    assert "^ at most 1 character\n" in found


def test_a_setting_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    found = refused(tmp_path, SPEC, "project.name=a\udcff")
    assert "error[not-utf-8]: this is not UTF-8 text\n" in found
    assert "--set project.name:1:2" in found


def test_a_contract_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "contract.json"
    path.write_bytes(b'{"name": "\xa2"}')
    with pytest.raises(SpecError) as caught:
        api.import_contract(path)
    assert [(one.code, one.message) for one in caught.value.diagnostics] == [
        ("not-utf-8", "the file is not UTF-8 text")
    ]
