"""What the committed locks say of results, with real runs; acceptances; and what follows from elsewhere."""

import importlib.util
import subprocess
import sysconfig
from pathlib import Path

import pytest
from msgspec.structs import replace

from mlspec import api
from mlspec.diagnostics import SpecError, render
from mlspec.diff import compare
from mlspec.diff.change import Impact
from mlspec.diff.meaning import meaning
from mlspec.diff.results import Locked, results
from mlspec.diff.show import words
from mlspec.diff.show.text import text
from mlspec.document import parse
from mlspec.engine.run.lockfile import Lock, LockedStep
from mlspec.spec.load import load

MLSPEC = str(Path(sysconfig.get_path("scripts")) / "mlspec")
SPEC = """\
project: {name: numbers, task: regression}
constraints:
  quality:
    - {metric: rmse, at_most: 9.0}
  size: {model: 1MB}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y}
  split: {seed: 1}
model:
  candidates: {one: {type: ridge, alpha: 1.0}}
evaluation: {metrics: [rmse, mae], confidence: {resamples: 100}}
backend: {engine: inline}
"""
ROWS = "x,z,y\n" + "".join(f"{i},{(i * 7) % 13},{2 * i + (i * 31) % 17}\n" for i in range(160))


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "project.yaml").write_text(SPEC)
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / ".gitignore").write_text(".mlspec/\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_locks_tell_what_the_change_did(project: Path) -> None:
    api.run("project.yaml")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "one")
    (project / "project.yaml").write_text(
        SPEC.replace("alpha: 1.0", "alpha: 90000.0").replace("at_most: 9.0", "at_most: 8.5")
    )
    before = api.diff()
    assert before.results is not None
    assert before.results.stale == "mlspec.lock is out of date: it has no result of the new train.one and 3 more"
    assert before.impact.seconds_to is not None
    assert api.diff(fail_on=("stale",)).failing == ("stale",)
    api.run("project.yaml")
    found = api.diff()
    assert found.results is not None
    assert found.results.stale is None
    told = {metric.metric: (metric.told, metric.how) for metric in found.results.metrics}
    assert told["rmse"] == ("worse", "intervals side by side")
    gates = {gate.gate: (gate.base_verdict, gate.head_verdict) for gate in found.results.gates}
    assert gates["gate.quality.rmse"] == ("pass", "fail")
    assert "gate.quality.rmse: pass -> fail  rmse at most 8.5" in text(found)
    paired = api.diff(paired=True)
    assert paired.results is not None
    assert {metric.metric: (metric.told, metric.how) for metric in paired.results.metrics}["rmse"] == (
        "worse",
        "paired by the same test rows",
    )


def test_numbers_of_other_test_rows_are_not_compared() -> None:
    one = Lock(
        metrics={"rmse": {"value": 1.0, "low": 0.9, "high": 1.1}},
        steps={"split": LockedStep(fingerprint="a", outputs={"test": "1"})},
    )
    other = replace(
        one,
        metrics={"rmse": {"value": 2.0, "low": 1.9, "high": 2.1}},
        steps={"split": LockedStep(fingerprint="b", outputs={"test": "2"})},
    )
    found = results(Locked(one), Locked(other), Impact())
    assert found is not None
    assert [metric.told for metric in found.metrics] == ["not comparable"]
    apart = results(Locked(one), Locked(replace(other, steps=one.steps)), Impact())
    assert apart is not None
    assert [metric.told for metric in apart.metrics] == ["worse"]
    lone = results(Locked(None), Locked(one), Impact())
    assert lone is not None
    assert lone.unknown == "only the head has an mlspec.lock"


LOWER = SPEC.replace("at_most: 9.0}", "at_most: 9.5}%s").replace("  size: {model: 1MB}\n", "")


def accepted(head: str, *allow: str) -> tuple[dict[str, str | None], list[str]]:
    (Path("base.yaml")).write_text(SPEC)
    (Path("head.yaml")).write_text(head)
    found = api.diff("base.yaml", "head.yaml", allow=allow, fail_on=("any",))
    assert len(found.failing) == sum(change.accepted is None for change in found.changes)
    return {change.path: change.accepted for change in found.changes}, [one.what for one in found.unused]


GATE, SIZE = "constraints.quality[rmse].at_most", "constraints.size"


def test_a_note_accepts_the_change_at_its_place(project: Path) -> None:
    assert accepted(LOWER % "") == ({GATE: None, SIZE: None}, [])
    assert accepted(LOWER % " # mlspec-allow loosened: agreed: in May") == ({GATE: "agreed: in May", SIZE: None}, [])
    above = (LOWER % "").replace("    - {metric: rmse", "    # mlspec-allow loosened: agreed\n    - {metric: rmse")
    assert accepted(above)[0][GATE] == "agreed"
    elsewhere = "# mlspec-allow loosened: far away\n" + LOWER % ""
    assert accepted(elsewhere) == ({GATE: None, SIZE: None}, ["loosened"])
    named = LOWER % "" + "# mlspec-allow constraints.size: memory is cheap\n# mlspec-allow constraints.nothing: old\n"
    assert accepted(named) == ({GATE: None, SIZE: "memory is cheap"}, ["constraints.nothing"])


def test_an_option_accepts_a_class_a_path_or_an_id(project: Path) -> None:
    assert accepted(LOWER % "", "loosened=why") == ({GATE: "why", SIZE: None}, [])
    assert accepted(LOWER % "", f"{SIZE}=a=b", "exposure=none") == ({GATE: None, SIZE: "a=b"}, ["exposure"])
    change = api.diff("base.yaml", "head.yaml").changes[0]
    assert accepted(LOWER % "", f"{change.id}=this one")[0][change.path] == "this one"


def test_an_acceptance_without_a_reason_is_refused_at_its_place(project: Path) -> None:
    (project / "head.yaml").write_text(LOWER % " # mlspec-allow loosened")
    with pytest.raises(SpecError) as error:
        api.diff("project.yaml", "head.yaml")
    assert render(error.value.diagnostics, error.value.texts) == (
        """\
error[bad-allow]: a note that accepts a change needs a reason
 --> head.yaml:4:38
  |
4 |     - {metric: rmse, at_most: 9.5} # mlspec-allow loosened
  |                                      ^^^^^^^^^^^^^^^^^^^^^ write '# mlspec-allow CLASS: REASON'
  = # mlspec-allow CLASS: REASON on the changed line or the line above; or PATH in place of CLASS, anywhere
  = see: mlspec explain bad-allow

1 error
"""
    )


def test_a_default_that_changed_is_shown_as_such() -> None:
    document = parse(SPEC, "project.yaml")
    project = load(document)
    other = replace(project, model=replace(project.model, seed=5))
    (change,) = compare.changes(meaning(project, document), meaning(other, document))
    assert (change.path, change.old, change.new) == ("model.seed", 0, 5)
    assert not change.base_stated
    assert not change.head_stated
    assert "not stated: it follows from another key, or from the version of the language" in words.why(change)


@pytest.mark.parametrize("count", [40, pytest.param(150, marks=pytest.mark.slow)])
def test_a_sample_of_mutations_ends_in_diffs_or_diagnostics(count: int) -> None:
    path = Path(__file__).with_name("campaign.py")
    found = importlib.util.spec_from_file_location("diff_campaign", path)
    assert found is not None
    assert found.loader is not None
    campaign = importlib.util.module_from_spec(found)
    found.loader.exec_module(campaign)
    tally = campaign.run(count, seed=11)
    assert tally["refused without a word"] == 0
    assert tally["compared"] > count // 8
    assert tally["changes"] > count // 8
