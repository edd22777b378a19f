"""A lock is believed only as far as it is of the spec that it is beside, and as a run wrote it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mlspec import api
from mlspec.diff.change import Results
from mlspec.diff.show.text import text
from mlspec.engine.run import lockfile
from mlspec.graph import spec_identity

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "polars", "_polars", "sklearn", "scikit_learn", "numpy", "scipy", "optuna", "dvc", "skops", "ray")
SPEC = """\
project: {name: numbers, task: regression}
constraints:
  quality:
    - {metric: rmse, at_most: 9.0}
    - {metric: mae, at_most: 9.0}
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
STRICT = SPEC.replace("rmse, at_most: 9.0", "rmse, at_most: 3.0")
ROWS = "x,z,y\n" + "".join(f"{i},{(i * 7) % 13},{2 * i + (i * 31) % 17}\n" for i in range(160))
STALE = "mlspec.lock is out of date: it has no result of the new "


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def commit(text: str) -> None:
    Path("project.yaml").write_text(text)
    git("add", "-A")
    git("commit", "-q", "-m", "one")


@pytest.fixture(name="ran", scope="module")
def ran_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has run."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "project.yaml").write_text(SPEC)
    (folder / "rows.csv").write_text(ROWS)
    api.run(folder / "project.yaml")
    return folder


@pytest.fixture(name="project")
def project_fixture(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its spec, data and lock in a repository, committed."""
    for name in ("project.yaml", "rows.csv", "mlspec.lock"):
        shutil.copy(ran / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    commit(SPEC)
    return tmp_path


def shown(*arguments: str) -> Results:
    found = api.diff(*arguments).results
    assert found is not None
    return found


@pytest.mark.slow
def test_a_lock_that_both_commits_hold_is_not_of_a_spec_that_changed_after_the_run(project: Path) -> None:
    commit(STRICT)
    Path("project.yaml").write_text(STRICT.replace("name: numbers", "name: figures"))
    found = api.diff(fail_on=("stale",))
    assert found.failing == ("stale",)
    assert found.results is not None
    assert found.results.stale == f"{STALE}gate.quality.rmse"
    assert found.results.base_stale == found.results.stale
    # The truth is fail: nothing says pass. What the change does not reach is still known.
    assert found.results.gates == ()
    assert {metric.told for metric in found.results.metrics} == {"the same"}
    assert "pass" not in text(found)
    api.run("project.yaml")
    (gate,) = shown().gates
    assert (gate.gate, gate.base_verdict, gate.head_verdict) == ("gate.quality.rmse", "unknown", "fail")
    assert shown().stale is None
    assert api.diff().notes == (f"of the base: {STALE}gate.quality.rmse",)


def test_what_depends_on_a_changed_step_is_unknown_and_never_its_old_value(project: Path) -> None:
    Path("project.yaml").write_text(SPEC.replace("alpha: 1.0", "alpha: 2.0"))
    found = shown()
    assert found.stale == f"{STALE}train.one and 2 more"
    assert {(metric.told, metric.head is None) for metric in found.metrics} == {("unknown", True)}
    assert {(gate.base_verdict, gate.head_verdict, gate.head_value) for gate in found.gates} == {
        ("pass", "unknown", None)
    }
    assert len(found.gates) == 3


def test_data_that_changed_after_the_run_makes_the_lock_stale_and_moved_data_does_not(project: Path) -> None:
    (project / "rows.csv").write_text(ROWS + "160,1,330\n")
    assert shown().stale == f"{STALE}source.rows"
    (project / "rows.csv").write_text(ROWS)
    (project / "moved").mkdir()
    (project / "rows.csv").rename(project / "moved/all.csv")
    Path("project.yaml").write_text(SPEC.replace("rows.csv", "moved/all.csv"))
    assert shown().stale is None


def test_without_the_data_the_lock_is_held_against_what_it_pins(project: Path) -> None:
    (project / ".gitignore").write_text("rows.csv\n")
    git("rm", "-q", "--cached", "rows.csv")
    commit(SPEC)
    (project / "rows.csv").unlink()
    assert shown().stale is None
    Path("project.yaml").write_text(STRICT)
    assert shown().stale == f"{STALE}gate.quality.rmse"


def edited(change: Callable[[dict[str, Any]], object], *, sealed: bool = False) -> str | None:
    """What is said of the lock after an edit by hand, or by one who seals it again."""
    path = Path("mlspec.lock")
    before = path.read_bytes()
    lock = json.loads(before)
    change(lock)
    made = json.dumps(lock).encode()
    path.write_bytes(lockfile.text(lockfile.decode(made)) if sealed else made)
    found = shown()
    path.write_bytes(before)
    return found.stale


def test_forged_figures_are_reported(project: Path) -> None:
    forged = "mlspec.lock contradicts itself: its text was changed after the run that wrote it; run again"
    assert edited(lambda lock: lock["metrics"]["rmse"].update(value=0.1)) == forged
    assert edited(lambda lock: lock["gates"]["gate.size.model"].update(verdict="fail")) == forged
    assert edited(lambda lock: lock["steps"]["split"].update(identity="0" * 64)) == forged
    assert edited(lambda lock: lock["sources"].clear()) == forged
    # Times are no results.
    assert edited(lambda lock: lock["steps"]["split"].update(seconds=9.0)) is None


def test_figures_that_do_not_follow_from_each_other_are_reported_although_the_seal_fits(project: Path) -> None:
    def said(change: Callable[[dict[str, Any]], object]) -> str:
        return str(edited(change, sealed=True)).removeprefix("mlspec.lock contradicts ")

    assert said(lambda lock: lock["gates"]["gate.quality.rmse"].update(value=1.0)) == (
        "itself: gate.quality.rmse has another value than the metric rmse; run again"
    )
    assert said(lambda lock: lock["metrics"]["rmse"].update(high=9.5)) == (
        "itself: the verdict of gate.quality.rmse does not follow from its value and 'at most 9'; run again"
    )
    assert said(lambda lock: lock["gates"]["gate.size.model"].update(value=2e6)) == (
        "itself: the verdict of gate.size.model does not follow from its value and 'at most 1e+06'; run again"
    )
    assert said(lambda lock: lock["metrics"]["rmse"].update(high=8.0)) == (
        "that of the base: other metrics under the same digest; run again"
    )
    assert edited(lambda lock: None, sealed=True) is None


def test_of_a_lock_that_does_not_say_what_it_is_of_nothing_is_believed(project: Path) -> None:
    def old(lock: dict[str, Any]) -> None:
        lock.update(seal="", mlspec="0.9.0")
        for step in lock["steps"].values():
            del step["identity"]

    assert edited(old) == "mlspec.lock, written by mlspec 0.9.0, does not say which spec it is of; run again"


@pytest.mark.parametrize("name", ["penguins", "adult-fair", "seattle-forecast", "digits-images"])
def test_the_lock_of_an_example_is_of_its_spec_also_where_its_data_is_not_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Joins, derived and treated columns, inferred tasks and networks, held against what the lock alone says."""
    graph = api.compile(ROOT / "specs" / name / "project.yaml").plan.graph
    identities = spec_identity.digests(graph, {step_id: step.files for step_id, step in graph.steps.items()})
    steps = {step_id: lockfile.LockedStep(fingerprint="", identity=own) for step_id, own in identities.items()}
    lock = lockfile.Lock(steps=steps, sources=lockfile.sources(graph))
    assert graph.document is not None
    spec = graph.document.texts[graph.document.file]
    monkeypatch.chdir(tmp_path)
    Path("mlspec.lock").write_bytes(lockfile.text(lock))
    git("init", "-q")
    commit(spec)
    Path("project.yaml").write_text(spec + "# a comment\n")
    assert shown().stale is None
    Path("mlspec.lock").write_bytes(
        lockfile.text(replace(lock, steps={**steps, "split": replace(steps["split"], identity="0")}))
    )
    assert shown().stale == f"{STALE}split"


def test_a_core_install_without_engine_and_learning_libraries_calls_no_lock_stale(project: Path) -> None:
    library = project.parent / "core"
    library.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(HEAVY) and entry.suffix != ".pth":
            (library / entry.name).symlink_to(entry)
    program = "import sys; from mlspec.cli import main; sys.exit(main(['diff', *sys.argv[1:]]))"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'backends'}:{library}"}

    def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-S", "-c", program, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    Path("project.yaml").write_text(SPEC.replace("name: numbers", "name: figures"))
    done = asked("--fail-on", "stale")
    assert (done.returncode, "the same in both locks" in done.stdout) == (0, True), done.stdout + done.stderr
    Path("project.yaml").write_text(STRICT)
    assert f"{STALE}gate.quality.rmse" in asked("--fail-on", "stale").stdout


def told(head: str) -> set[str]:
    """What the comparison says of metrics of another spec and those of the committed run."""
    Path("project.yaml").write_text(head)
    api.run("project.yaml")
    return {f"{metric.told}: {metric.how}" for metric in shown().metrics}


@pytest.mark.slow
def test_numbers_on_the_same_rows_are_comparable_whatever_columns_these_have(project: Path) -> None:
    derived = SPEC.replace("  split: {seed: 1}", "  derive: {both: x + z}\n  split: {seed: 1}")
    assert not any(said.startswith(("not comparable", "unknown")) for said in told(derived))
    assert not any(
        said.startswith("not comparable") for said in told(SPEC.replace("target: y", "target: y, drop: [z]"))
    )
    assert told(SPEC.replace("seed: 1", "seed: 2")) == {"not comparable: the test rows are not the same"}
    wider = "\n".join(f"{row},{number if number else 'more'}" for number, row in enumerate(ROWS.splitlines()))
    (project / "rows.csv").write_text(wider + "\n")
    assert not any(said.startswith("not comparable") for said in told(SPEC))
    (project / "rows.csv").write_text(ROWS.replace("\n", "e1\n").replace("ye1\n", "y\n"))
    assert told(SPEC) == {"not comparable: the test rows are not the same"}


def test_intervals_of_other_levels_are_not_set_side_by_side(project: Path) -> None:
    other = SPEC.replace("resamples: 100", "resamples: 100, level: 0.8").replace("alpha: 1.0", "alpha: 90000.0")
    assert told(other) == {"unknown: the intervals have different levels"}


def test_the_accepted_run_is_compared_on_the_same_rows_whatever_columns_these_have(project: Path) -> None:
    shutil.copy("mlspec.lock", "accepted.lock")
    previous = SPEC.replace("metrics: [rmse, mae]", "metrics: [rmse, mae], baselines: [mean, previous]")
    previous = previous.replace("  size:", "    - {metric: rmse, beats: previous}\n  size:")

    def reason(spec: str) -> str:
        Path("project.yaml").write_text(spec)
        (gate,) = (gate for gate in api.run("project.yaml").gates if "previous" in gate.gate)
        return gate.reason

    other = "the accepted run was measured on other test rows"
    assert reason(previous.replace("  split: {seed: 1}", "  derive: {both: x + z}\n  split: {seed: 1}")) != other
    assert reason(previous.replace("seed: 1", "seed: 2")) == other
