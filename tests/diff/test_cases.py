"""Realistic changes to a spec, each with what must be said of it: severity, class, path and values, and the steps that
are re-run. The cases are in ``cases/`` as readable YAML; a step's name may be a pattern there, which then stands for
all steps of the plan that it fits. ``given`` are edits of both sides; cases that say which steps are re-run are held to
it, and those with a verdict to that."""

import importlib.util
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlspec.diff.show import words

_spec = importlib.util.spec_from_file_location("diff_world", Path(__file__).with_name("world.py"))
assert _spec is not None
assert _spec.loader is not None
world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(world)

CASES: list[dict[str, Any]] = [
    {"topic": file.stem, **case}
    for file in sorted(world.HERE.glob("*.yaml"))
    if file.stem != "people"
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]
CELLS = [row.split(",") for row in world.ROWS.splitlines()]
MORE = world.ROWS + "40,60,a,m,20.0,x,low\n"
DATA = {
    "without city": {"people.csv": "".join(",".join(row[:5] + row[6:]) + "\n" for row in CELLS)},
    "one row more": {"people.csv": MORE},
    "the same at another place": {"moved.csv": world.ROWS},
    "other rows at another place": {"moved.csv": MORE},
}


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 150
    assert len({case["what"] for case in CASES}) == len(CASES)


EASIER = ("error removed ", "error loosened ", "error exposure ")


def test_every_way_to_ask_for_less_is_called_so() -> None:
    loosening = [case for case in CASES if case["topic"] == "loosening"]
    assert len(loosening) >= 100
    missed = [case["what"] for case in loosening if not any(said.startswith(EASIER) for said in case["changes"])]
    assert missed == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['topic']}: {case['what']}")
def test_a_change_is_reported_as_what_it_means(case: dict[str, Any], tmp_path: Path) -> None:
    given = world.edited(world.BASE, case.get("given", []))
    head = world.edited(given, case.get("edits", []))
    base = head if case.get("both") else given
    files = DATA[case["data"]] if "data" in case else {"own.py": case["code"]} if "code" in case else {}
    outside = case.get("outside", False)
    found = world.diff(tmp_path, base, head, files, profile=case.get("profile"), allow_outside=outside)
    said = [f"{one.severity} {one.class_} {one.path}: {words.values(one, 400)}" for one in found.changes]
    assert said == case.get("changes", [])
    assert found.impact.unknown is None
    assert case.get("verdict") in (None, words.verdict(found))
    if case["topic"] in ("loosening", "comparable") and "rerun" not in case:
        return
    rerun = {one.step for one in found.impact.invalidated}
    patterns = case.get("rerun", [])
    unfit = [name for name in patterns if not any(fnmatchcase(step, name) for step in rerun)]
    assert not unfit, "these patterns fit no step that runs again"
    # A pattern stands for all that it fits: a step that stays must fit none.
    kept = set(world.steps(base, tmp_path / "head")) & set(world.steps(head, tmp_path / "head")) - rerun
    assert {step for step in rerun if not any(fnmatchcase(step, name) for name in patterns)} == set()
    assert {step for step in kept if any(fnmatchcase(step, name) for name in patterns)} == set()
    assert list(found.impact.gone) == case.get("gone", [])


def test_a_new_name_of_a_candidate_does_not_change_the_model(tmp_path: Path) -> None:
    renamed = world.edited(world.BASE, [{"from": "    linear: {type", "to": "    simple: {type"}])
    assert "the model does not change" in words.plan(world.diff(tmp_path / "a", world.BASE, renamed).impact)
    changed = renamed.replace("{type: logistic_regression}", "{type: logistic_regression, C: 0.5}")
    assert "the model may change" in words.plan(world.diff(tmp_path / "b", world.BASE, changed).impact)


@pytest.mark.parametrize("case", [case for case in CASES if case["topic"] == "nothing"], ids=lambda case: case["what"])
def test_what_changes_nothing_has_equal_fingerprints(case: dict[str, Any], tmp_path: Path) -> None:
    from mlspec import api
    from mlspec.graph import fingerprint as fp

    identities = []
    for name, text in (("base", world.BASE), ("head", world.edited(world.BASE, case["edits"]))):
        spec = world.folder(tmp_path / name, text)
        graph = api.compile(spec, profile=case.get("profile")).plan.graph
        identities.append({step_id: fp.identity(step) for step_id, step in graph.steps.items()})
    assert identities[0] == identities[1]
