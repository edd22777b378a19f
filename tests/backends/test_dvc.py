"""What the engine dvc writes beside a spec, and what it leaves alone."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mlspec import api, paths
from mlspec.cli import main
from mlspec.diagnostics import MlspecError
from mlspec.engine import planning
from mlspec.engine.run.run import run
from mlspec.graph.fingerprint import identity
from mlspec.graph.show import dvc as shown
from mlspec.graph.show import yaml_text
from mlspec.testing.graphs import KINDS, graph, step

pytest.importorskip("dvc")
from dvc.repo import Repo

from mlspec_backends import dvc

DATA = Path(__file__).parents[2] / "specs" / "penguins" / "data" / "penguins.csv"
EDITS = int(os.environ.get("MLSPEC_EDITS", "4"))
FOREIGN = """\
# ours since 2019
vars:
- lib: {size: 3}

stages:
  # fetches
  fetch:
    cmd: >-
      echo ${lib.size}
      > raw.txt
    outs: [raw.txt]   # small

  notify:
      cmd: echo done
# the end
plots:
- raw.txt
"""
SPEC = """\
project: {name: birds}
constraints: {quality: [{metric: accuracy, at_least: %(bound)s}]}
data:
  sources: {birds: {path: penguins.csv}}
  columns: {target: species, drop: %(drop)s}
  split: {by: %(by)s, seed: %(seed)s}
preprocessing:
  columns: {body_mass_g: [impute: %(impute)s, scale: standard]}
model:
  candidates:
    linear: {type: logistic_regression, C: %(c)s}
    more: {type: logistic_regression, C: %(c_more)s}
    net: {type: torch.mlp, epochs: 1, bins: 0, hidden: [4], dropout: %(dropout)s}
    %(extra)s
evaluation: {metrics: %(metrics)s, confidence: {resamples: %(resamples)s}}
"""
CHOICES: dict[str, list[object]] = {
    "bound": [0.5, 0.8, 0.9],
    "drop": ["[]", "[year]", "[year, island]"],
    "by": ["stratified", "random"],
    "seed": [0, 1],
    "impute": ["median", "mean"],
    "c": [0.5, 1.0, 2],
    "c_more": [0.25, 1.0, 5],
    "dropout": [0.0, 0.1, 1e-5],
    "extra": ["", "other: {type: logistic_regression, C: 7}"],
    "metrics": ["[accuracy, log_loss]", "[accuracy]", "[log_loss, accuracy]"],
    "resamples": [100, 200],
}
FIRST = {key: options[0] for key, options in CHOICES.items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec in a subfolder of a repository, never run."""
    folder = tmp_path / "models" / "birds"
    folder.mkdir(parents=True)
    dvc.init(tmp_path)
    shutil.copy(DATA, folder / "penguins.csv")
    (folder / "project.yaml").write_text(SPEC % FIRST)
    monkeypatch.chdir(folder)
    return folder


def test_compiling_writes_stages_between_others_and_the_same_ones_again(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "dvc.yaml").write_text(FOREIGN)
    assert main(["compile", "--format", "dvc"]) == 0
    told = capsys.readouterr().err
    assert "stages of dvc.yaml are mlspec's: compile, source.birds, split, " in told
    assert "left unchanged: fetch, notify\n" in told
    written = (project / "dvc.yaml").read_text()
    ours = yaml_text.mapping(written, "stages")
    assert ours is not None
    mine = [name for name, entry in ours.entries.items() if "meta" in entry.plain()]
    # What others wrote is there to the byte.
    assert yaml_text.merged(written, "stages", {}, mine) == FOREIGN
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and ".mlspec" not in path.parts}
    assert main(["compile", "--format", "dvc"]) == 0
    assert "nothing changed" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in before}
    with Repo(str(project)) as repo:
        repo.index.check_graph()
        assert {stage.name for stage in repo.index.stages} == {"fetch", "notify", *mine}


def test_a_fresh_folder_becomes_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(DATA, tmp_path / "penguins.csv")
    (tmp_path / "project.yaml").write_text(SPEC % FIRST)
    monkeypatch.chdir(tmp_path)
    assert main(["compile", "--format", "dvc", "--init"]) == 0
    assert (tmp_path / ".dvc").is_dir()
    with Repo(str(tmp_path)) as repo:
        assert "train.net" in {stage.name for stage in repo.index.stages}


@pytest.mark.parametrize(
    ("there", "told"),
    [
        (
            "stages:\n  split:\n    cmd: echo\n",
            """\
error[dvc-stage-taken]: dvc.yaml has a stage 'split' already, and so would project.yaml
 --> dvc.yaml:2:3
  |
2 |   split:
  |   ^^^^^ mlspec did not write it
  = rename that stage, or put the spec into a folder of its own
  = see: mlspec explain dvc-stage-taken

1 error
""",
        ),
        (
            "stages: {split: {cmd: echo}}\n",
            """\
error[dvc-yaml-unusable]: no stages can be added to 'dvc.yaml': it is written in braces
  = write its stages as an indented mapping; `dvc stage list` shows the error
  = see: mlspec explain dvc-yaml-unusable

1 error
""",
        ),
    ],
)
def test_what_can_not_be_added_to(project: Path, capsys: pytest.CaptureFixture[str], there: str, told: str) -> None:
    (project / "dvc.yaml").write_text(there)
    assert main(["compile", "--format", "dvc"]) == 2
    assert capsys.readouterr().err == told
    assert (project / "dvc.yaml").read_text() == there
    assert not (project / "mlspec.params").exists()


def test_stages_of_another_spec_or_other_values_are_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", "--format", "dvc"]) == 0
    (project / "project.yaml").write_text(SPEC % {**FIRST, "seed": 5})
    capsys.readouterr()
    assert main(["step", "split"]) == 2
    assert capsys.readouterr().err == (
        "error[dvc-out-of-date]: mlspec.params/split.json says something else of the step than the spec does\n"
        "  = write it again: mlspec compile --format dvc\n"
        "  = see: mlspec explain dvc-out-of-date\n\n1 error\n"
    )
    # Other values are written by the first stage, other stages are not.
    assert main(["compile", "--format", "dvc-params"]) == 0
    (project / "project.yaml").write_text(SPEC % {**FIRST, "extra": CHOICES["extra"][1]})
    capsys.readouterr()
    assert main(["compile", "--format", "dvc-params"]) == 2
    assert "the stages in dvc.yaml are not the steps of project.yaml" in capsys.readouterr().err


def test_a_folder_in_no_repository_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(DATA, tmp_path / "penguins.csv")
    (tmp_path / "project.yaml").write_text(SPEC % FIRST + "backend: dvc\n")
    monkeypatch.chdir(tmp_path)
    assert main(["run"]) == 2
    assert capsys.readouterr().err == (
        f"error[backend-not-servable]: the engine 'dvc' needs a DVC repository, and '{tmp_path}' is not in one\n"
        "  --> project.yaml:16:10\n"
        "   |\n"
        "16 | backend: dvc\n"
        "   |          ^^^\n"
        "   = `dvc init` or `mlspec run --init` creates one\n"
        "   = see: mlspec explain backend-not-servable\n\n1 error\n"
    )
    assert main(["compile"]) == 0


@pytest.mark.slow
def test_dvc_sees_changed_what_the_plan_does(project: Path) -> None:
    """Over random edits: DVC's idea of what has changed, and what would follow from it, is the plan's."""

    def compiled() -> api.Compiled:
        made = api.compile(project)
        api.write_dvc(made)
        return made

    first = compiled()
    # As if all had been run: DVC gets made-up outputs, and the plan their inputs.
    for stage in shown.stages(first.plan.graph):
        for path in (*stage.outs, *stage.metrics, *stage.plots):
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text("{}")
    with Repo(str(project)) as repo:
        repo.commit(str(project / "dvc.yaml"), force=True)
    known = {step_id: identity(step) for step_id, step in first.plan.graph.steps.items()}
    chooser = random.Random(11)
    seen = set()
    # Each key once, then some at a time.
    edits = [[key] for key in CHOICES] + [chooser.sample(list(CHOICES), chooser.choice([2, 3])) for _ in range(EDITS)]
    for changed in edits:
        (project / "project.yaml").write_text(
            SPEC % {**FIRST, **{key: chooser.choice(CHOICES[key][1:]) for key in changed}}
        )
        steps = compiled().plan.graph.steps
        with Repo(str(project)) as repo:
            told = {name.rpartition(":")[2] for name in repo.status()} - {shown.COMPILE}
        inputs_differ = {
            step_id
            for step_id, step in steps.items()
            if step_id in known and step.inputs != first.plan.graph.steps[step_id].inputs
        }
        expected = {step_id for step_id, step in steps.items() if known.get(step_id) != identity(step)} | inputs_differ
        assert told == expected, changed
        seen |= told
    assert {"train.net", "split", "evaluate"} <= seen


def write_steps(root: Path, engine: str = "dvc") -> object:
    return run(graph(root, [step("a"), step("b", "a")], engine=engine), kinds=KINDS, lock=False)


def test_results_are_taken_over_in_both_directions(tmp_path: Path) -> None:
    dvc.init(tmp_path)
    write_steps(tmp_path, "local")
    assert write_steps(tmp_path).count("cached") == 2  # type: ignore[attr-defined]
    with Repo(str(tmp_path)) as repo:
        assert repo.status() == {}
    shutil.rmtree(tmp_path / ".mlspec")
    shutil.rmtree(tmp_path / "mlspec.results")
    with Repo(str(tmp_path)) as repo:
        repo.checkout()
    made = graph(tmp_path, [step("a"), step("b", "a")])
    assert not planning.plan_graph(made).pending()
    assert write_steps(tmp_path, "local").count("cached") == 2  # type: ignore[attr-defined]
    assert (tmp_path / "ran.txt").read_text().split() == ["a", "b"]
    # What is not what it says is no result.
    shutil.rmtree(tmp_path / ".mlspec")
    path = tmp_path / "mlspec.results" / "b" / "text"
    path.unlink()
    path.write_text("forged")
    assert write_steps(tmp_path).count("done") == 1  # type: ignore[attr-defined]
    assert path.read_text() == "b(a())"


@pytest.mark.parametrize("copied", [True, False], ids=["copied", "never seen"])
def test_what_a_killed_dvc_leaves_is_repaired(tmp_path: Path, copied: bool) -> None:
    dvc.init(tmp_path)
    write_steps(tmp_path)
    good = (tmp_path / "dvc.lock").read_bytes()
    rwlock = tmp_path / ".dvc" / "tmp" / "rwlock"
    rwlock.write_bytes(b"")
    (tmp_path / "dvc.lock").write_bytes(good[: len(good) // 2] if copied else b"")
    if not copied:
        shutil.rmtree(tmp_path / ".mlspec")
    told: list[str] = []
    made = graph(tmp_path, [step("a"), step("b", "a")], engine="dvc")
    run(made, kinds=KINDS, lock=False, listener=lambda event: told.append(getattr(event, "text", "")))
    words = "\n".join(told)
    assert "which a killed DVC process has left unreadable" in words
    assert ("from mlspec's copy" if copied else "has left empty") in words
    with Repo(str(tmp_path)) as repo:
        assert repo.status() == {}
    assert (tmp_path / "dvc.lock").read_bytes() == good


def test_a_broken_lock_is_restored_from_the_repository_and_no_other(tmp_path: Path) -> None:
    top, other = tmp_path / "repository", tmp_path / "other"
    root = top / "project"
    for folder in (root, other):
        folder.mkdir(parents=True)
    settings = ("user.name=t", "user.email=t@localhost", "commit.gpgsign=false")
    identity = [part for setting in settings for part in ("-c", setting)]

    def committed(folder: Path) -> None:
        for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "one"]):
            subprocess.run(["git", *command], cwd=folder, check=True)

    dvc.init(root)
    write_steps(root)
    good = (root / "dvc.lock").read_bytes()
    committed(top)
    # A bare repository as any commit can hold one, where git looks first.
    (other / "dvc.lock").write_text("schema: '2.0'\n")
    committed(other)
    for name in ("HEAD", "objects", "refs", "config"):
        copy = shutil.copytree if (other / ".git" / name).is_dir() else shutil.copy
        copy(other / ".git" / name, root / name)
    (root / "dvc.lock").write_bytes(good[: len(good) // 2])
    shutil.rmtree(root / ".mlspec")
    told: list[str] = []
    made = graph(root, [step("a"), step("b", "a")], engine="dvc")
    run(made, kinds=KINDS, lock=False, listener=lambda event: told.append(getattr(event, "text", "")))
    assert "which a killed DVC process has left broken, from Git" in "\n".join(told)
    assert (root / "dvc.lock").read_bytes() == good
    assert set((tmp_path / "repository/project/ran.txt").read_text().split()) == {"a", "b"}


def test_another_dvc_at_work_is_respected(tmp_path: Path) -> None:
    dvc.init(tmp_path)
    write_steps(tmp_path)
    (tmp_path / "ran.txt").unlink()
    held = {"write": {str(tmp_path / "mlspec.results" / "b" / "text"): {"pid": os.getppid(), "cmd": "dvc repro"}}}
    (tmp_path / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(held))
    shutil.rmtree(tmp_path / "mlspec.results" / "b")
    with pytest.raises(MlspecError, match=r"DVC process \d+ \(dvc repro\) is at work on"):
        write_steps(tmp_path)
    # A line of a process that is gone is no lock.
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    held["write"] = {path: {"pid": gone.pid, "cmd": "dvc repro"} for path in held["write"]}
    (tmp_path / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(held))
    write_steps(tmp_path)
    with Repo(str(tmp_path)) as repo:
        assert repo.status() == {}
    assert not (tmp_path / "ran.txt").exists()
    assert paths.home(tmp_path).is_dir()


def test_the_run_cache_of_dvc_knows_what_mlspec_has_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dvc.init(tmp_path)
    write_steps(tmp_path)
    (tmp_path / "dvc.lock").unlink()
    for folder in (".mlspec", "mlspec.results"):
        shutil.rmtree(tmp_path / folder)
    monkeypatch.chdir(tmp_path)
    with Repo(str(tmp_path)) as repo:
        # Its stages can't be run here: there is no spec.
        repo.reproduce()
        assert repo.status() == {}
    assert (tmp_path / "mlspec.results" / "b" / "text").read_text() == "b(a())"
