"""What a review shows of measurements: gates by the last values, data by the summaries of runs, candidates' scores, the
accepted run; and a lock whose lines change only where something did."""

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest
from msgspec.structs import replace

from mlspec import api
from mlspec.diagnostics import SpecError
from mlspec.diff.show.markdown import markdown
from mlspec.diff.show.text import text
from mlspec.engine.run import lockfile
from mlspec.engine.run.lockfile import Lock, LockedStep

MLSPEC = str(Path(sysconfig.get_path("scripts")) / "mlspec")
SPEC = """\
project: {name: numbers, task: binary_classification}
constraints:
  quality:
    - {metric: roc_auc, at_least: 0.6}
    - {metric: accuracy, beats: majority}
  size: {model: 1MB}
data:
  sources: {rows: {path: rows.csv}}
  columns: {target: y, sensitive: [who]}
  split: {seed: 1}
model:
  candidates: {one: {type: logistic_regression}, two: {type: logistic_regression, C: 0.1}}
evaluation: {metrics: [roc_auc, accuracy], confidence: {resamples: 100}, baselines: [majority, previous]}
backend: {engine: inline}
"""


def rows(count: int, missing: int, positive: int = 2) -> str:
    lines = ["x,z,who,y"]
    for i in range(count):
        z = "" if i < missing else (i * 7) % 13
        lines.append(f"{i % 40 + (i % positive > 0) * 30},{z},{'ab'[i % 2]},{'yes' if i % positive else 'no'}")
    return "\n".join(lines) + "\n"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "project.yaml").write_text(SPEC)
    (tmp_path / "rows.csv").write_text(rows(300, 0))
    (tmp_path / ".gitignore").write_text(".mlspec/\n")
    monkeypatch.chdir(tmp_path)
    api.run("project.yaml")
    commit(tmp_path)
    return tmp_path


def test_gates_are_held_against_what_was_measured_last(project: Path) -> None:
    edited = SPEC.replace("at_least: 0.6", "at_least: 0.9999").replace("1MB", "1kB")
    (project / "project.yaml").write_text(edited.replace("    - {metric: accuracy, beats: majority}\n", ""))
    found = api.diff()
    gates = {gate.gate: gate for gate in found.gates}
    quality, size, beats = (
        gates[f"gate.{n}"] for n in ("quality.roc_auc", "size.model", "quality.accuracy.beats.majority")
    )
    assert (quality.base_bounds, quality.head_bounds) == ({"at_least": 0.6}, {"at_least": 0.9999})
    assert (quality.held, quality.would) == ("pass", "fail")
    assert quality.value is not None
    assert quality.margin == pytest.approx(quality.value - 0.9999)
    assert (size.held, size.would, size.unit) == ("pass", "fail", "bytes")
    assert (beats.status, beats.would) == ("removed", None)
    assert "at most 1 MB -> at most 1 kB; last " in text(found)
    assert "would have failed (was pass)" in text(found)
    assert "<code>the gate is removed (was pass)</code>" in markdown(found)
    (project / "project.yaml").write_text(SPEC.replace("at_least: 0.6", "at_least: 0.55"))
    (gate,) = api.diff().gates
    assert gate.would == "pass"


def test_changed_data_is_shown_by_what_runs_wrote_of_it(project: Path) -> None:
    lock = json.loads((project / "mlspec.lock").read_text())
    summary = lock["sources"]["rows"]["summary"]
    assert (summary["rows"], summary["target"], summary.get("missing")) == (300, {"no": 0.5, "yes": 0.5}, None)
    (project / "rows.csv").write_text(rows(360, 36, positive=3))
    (before,) = api.diff().data
    assert before.unknown == "no run has read the new data: mlspec run"
    api.run("project.yaml")
    found = api.diff()
    (after,) = found.data
    assert (after.rows, after.missing, after.same_test_rows) == ((300, 360), {"z": (0.0, 0.1)}, None)
    assert after.target == {"no": (0.5, 0.333), "yes": (0.5, 0.667)}
    assert (
        "Data of rows: 300 -> 360 rows; target no 50 % -> 33.3 %; target yes 50 % -> 66.7 %; missing in z 0 % -> 10 %; "
        "overlap with the former test rows unknown"
    ) in text(found)
    assert {score.candidate for score in found.candidates} == {"one", "two"}
    assert "Candidates on the validation rows:" in text(found)


def test_a_summary_identifies_no_person(project: Path) -> None:
    """A sensitive column has no entry; a count of fewer than five rows is in no share."""
    text_ = rows(300, 3).replace(",a,", ",,").replace("yes\n", "rare\n", 2)
    (project / "project.yaml").write_text(SPEC.replace("binary", "multiclass").replace("roc_auc", "f1_macro"))
    (project / "rows.csv").write_text(text_)
    api.run("project.yaml")
    summary = json.loads((project / "mlspec.lock").read_text())["sources"]["rows"]["summary"]
    assert "missing" not in summary
    assert set(summary["target"]) == {"no", "yes"}


@pytest.mark.slow
def test_the_accepted_run_is_the_one_that_is_compared_with(project: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([MLSPEC, *arguments], cwd=project, capture_output=True, text=True, check=False)

    done = run("accept")
    assert done.stdout == "accepted: accepted.lock, 3 gates\n"
    lock = lockfile.read(project / "mlspec.lock")
    assert lock is not None
    assert len(lock.accepted) == 64
    assert run("accept").stdout == "was accepted before: accepted.lock, 3 gates\n"
    commit(project)
    (project / "project.yaml").write_text(SPEC.replace("C: 0.1", "C: 5.0").replace("seed: 1", "seed: 2"))
    api.run("project.yaml")
    again = lockfile.read(project / "mlspec.lock")
    assert again is not None
    assert again.accepted == lock.accepted
    commit(project)
    made = run("runs", "HEAD~1", "HEAD").stdout
    assert "project.yaml: HEAD~1" in made
    assert "two (roc_auc): " in made
    assert run("runs", "HEAD~1", "HEAD", "--format", "json").stdout.startswith("{")
    (project / "accepted.lock").unlink()
    assert run("accept", "--from", "HEAD~1").returncode == 0
    accepted = lockfile.read(project / "accepted.lock")
    assert accepted is not None
    assert lockfile.text(accepted) == lockfile.text(replace(lock, accepted=""))
    (project / "mlspec.lock").unlink()
    with pytest.raises(SpecError) as error:
        api.accept("project.yaml")
    assert error.value.diagnostics[0].message == "there is no mlspec.lock"


def test_times_change_no_line_unless_they_are_off_by_more_than_a_factor_of_two(tmp_path: Path) -> None:
    def lock(**seconds: float | None) -> Lock:
        steps = {name: LockedStep(fingerprint="a", seconds=took) for name, took in seconds.items()}
        return Lock(steps=steps, mlspec=str(seconds))

    file = tmp_path / "mlspec.lock"
    lockfile.write(file, lock(a=10.0, b=10.0, c=10.0, d=None, e=1.5, f=None))
    lockfile.write(file, lock(a=19.0, b=21.0, c=4.0, d=1.9, e=None, f=2.1))
    found = lockfile.read(file)
    assert found is not None
    assert {name: step.seconds for name, step in found.steps.items()} == {
        "a": 10.0, "b": 21.0, "c": 4.0, "d": None, "e": 1.5, "f": 2.1
    }  # fmt: skip


@pytest.mark.slow
def test_init_marks_the_lock_as_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text(rows(60, 0))

    def init() -> None:
        command = [MLSPEC, "init", "rows.csv", "--target", "y", "--force", "--no-trial"]
        subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)

    init()
    assert not (tmp_path / ".gitattributes").exists()
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitattributes").write_text("*.csv -text")
    for _ in range(2):
        init()
        assert (tmp_path / ".gitattributes").read_text() == "*.csv -text\nmlspec.lock linguist-generated\n"
    (tmp_path / ".gitattributes").unlink()
    (tmp_path / ".gitattributes").symlink_to("elsewhere")
    init()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("lock", "message"), [("../kept", "points outside its folder"), ("link/kept", "goes through a link")]
)
def test_a_run_is_accepted_beside_its_spec_alone(lock: str, message: str, project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / "link").symlink_to(elsewhere)
    (project / "project.yaml").write_text(
        SPEC.replace("majority, previous]", f"majority, {{previous: {{lock: {lock}}}}}]")
    )
    with pytest.raises(SpecError) as error:
        api.accept("project.yaml")
    assert [one.code for one in error.value.diagnostics] == ["file-outside"]
    assert message in error.value.diagnostics[0].message
    assert not (project.parent / "kept").exists()
    assert list(elsewhere.iterdir()) == []
