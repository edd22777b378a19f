"""A team that keeps its data and results in Git and DVC: what DVC offers works on what mlspec has made."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.conftest import COMMAND, Mlspec, call, copy

pytest.importorskip("dvc")
pytestmark = pytest.mark.slow

PATH = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
WHO = {f"GIT_{who}_{what}": "team@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
QUIET = {**os.environ, **WHO, "PATH": PATH, "DVC_NO_ANALYTICS": "1", "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": os.devnull}
Tool = Callable[..., str]


def tool(*command: str, cwd: Path, code: int = 0) -> str:
    """What a command prints; its exit code must be that one."""
    done = subprocess.run(
        command, cwd=cwd, env=QUIET, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=300
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def git(*arguments: str, cwd: Path) -> str:
    return tool("git", *arguments, cwd=cwd)


def dvc(*arguments: str, cwd: Path, code: int = 0) -> str:
    return tool(sys.executable, "-m", "dvc", *arguments, cwd=cwd, code=code)


def is_clean(folder: Path) -> bool:
    return "up to date" in dvc("status", cwd=folder)


def commit(folder: Path, message: str) -> None:
    git("add", "-A", cwd=folder)
    git("commit", "-qm", message, cwd=folder)


def edit(folder: Path, old: str, new: str) -> None:
    spec = folder / "project.yaml"
    text = spec.read_text()
    assert old in text
    spec.write_text(text.replace(old, new))


def unborn(name: str, folder: Path) -> Path:
    """A copy of an example in a Git repository with DVC, its data tracked by DVC, nothing run."""
    made = copy(name, folder)
    git("init", "-q", "-b", "main", cwd=made)
    dvc("init", "-q", cwd=made)
    edit(made, "{type: logistic_regression}", "{type: logistic_regression, C: 0.5}")
    return made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a remote, and in it the penguins: run, committed and pushed."""
    top = tmp_path_factory.mktemp("team")
    made = unborn("penguins", top)
    dvc("add", "-q", "data/penguins.csv", cwd=made)
    dvc("remote", "add", "-q", "-d", "store", str(top / "remote"), cwd=made)
    call("run", "--backend", "dvc", cwd=made)
    assert is_clean(made)
    commit(made, "first")
    git("init", "-q", "--bare", "-b", "main", str(top / "origin.git"), cwd=top)
    git("remote", "add", "origin", str(top / "origin.git"), cwd=made)
    git("push", "-q", "origin", "main", cwd=made)
    dvc("push", "-q", "--run-cache", cwd=made)
    return top


@pytest.fixture
def clone(shared: Path, tmp_path: Path) -> Path:
    """A colleague's clone, with what DVC brings."""
    git("clone", "-q", str(shared / "origin.git"), str(tmp_path / "clone"), cwd=tmp_path)
    dvc("pull", "-q", cwd=tmp_path / "clone")
    return tmp_path / "clone"


def test_the_walk_of_a_team(shared: Path, clone: Path, mlspec: Mlspec) -> None:
    assert mlspec("compile", "--detailed-exitcode", cwd=clone).stdout.count("cached") >= 13
    edit(clone, "C: 0.5", "C: 0.05")
    assert mlspec("compile", "--detailed-exitcode", cwd=clone, code=4)
    told = mlspec("run", "--backend", "dvc", cwd=clone).stderr
    assert "train.linear: done in" in told
    assert "split: done in" not in told
    assert is_clean(clone)
    changed = json.loads(dvc("metrics", "diff", "--json", cwd=clone))
    loss = changed["mlspec.results/evaluate/scores.json"]["log_loss.value"]
    assert loss["new"] > loss["old"]
    params = json.loads(dvc("params", "diff", "--json", cwd=clone))
    c = params["mlspec.params/train.linear.json"]["model.C"]
    assert (c["old"], c["new"]) == (0.5, 0.05)
    assert "reliability.json" in dvc("plots", "diff", "HEAD", "--json", cwd=clone)
    commit(clone, "less regular")
    assert git("status", "--porcelain", cwd=clone) == ""
    git("push", "-q", "origin", "main", cwd=clone)
    dvc("push", "-q", cwd=clone)
    # A colleague pulls, and has nothing to run.
    other = clone.with_name("other")
    git("clone", "-q", str(shared / "origin.git"), str(other), cwd=clone)
    dvc("pull", "-q", cwd=other)
    assert mlspec("compile", "--detailed-exitcode", cwd=other)
    for engine in ("dvc", "local"):
        assert "done in" not in mlspec("run", "--backend", engine, cwd=other).stderr
        assert is_clean(other)
        assert git("status", "--porcelain", cwd=other) == ""
    assert "log_loss" in mlspec("show", cwd=other).stdout
    # And back to what was: nothing is trained again.
    git("checkout", "-q", "HEAD~1", cwd=other)
    dvc("pull", "-q", cwd=other)
    assert mlspec("compile", "--detailed-exitcode", cwd=other)
    dvc("gc", "-w", "-f", "-q", cwd=other)
    assert is_clean(other)


HOSTILE = "it's $(touch PWNED) ${HOME} -rf; & ü.csv"


def test_dvc_alone_gives_what_mlspec_gives(tmp_path: Path, mlspec: Mlspec) -> None:
    """Every stage done by ``dvc repro``, over a file of a hostile name."""
    made = unborn("penguins", tmp_path)
    (made / "data" / "penguins.csv").rename(made / "data" / HOSTILE)
    edit(made, "path: data/penguins.csv", f"path: {json.dumps('data/' + HOSTILE, ensure_ascii=False)}")
    shutil.copytree(made, tmp_path / "alone")
    mlspec("run", cwd=tmp_path / "alone")
    mlspec("compile", "--format", "dvc", cwd=made)
    told = dvc("repro", cwd=made)
    assert told.count("> mlspec step") == 14
    assert not list(made.rglob("PWNED"))
    assert is_clean(made)
    commit(made, "all")
    # The same results, found by mlspec as its own, with nothing left to do.
    assert "done in" not in mlspec("run", "--backend", "dvc", cwd=made).stderr
    assert is_clean(made)
    locks = [json.loads((folder / "mlspec.lock").read_text()) for folder in (made, tmp_path / "alone")]
    assert locks[0]["metrics"] == locks[1]["metrics"]
    one, other = ({name: step["outputs"] for name, step in lock["steps"].items()} for lock in locks)
    assert one == other
    assert dvc("dag", "--mermaid", cwd=made).count("-->") > 13


def test_an_experiment_sets_a_value_of_the_spec(clone: Path) -> None:
    value = "project.yaml:model.candidates.linear.C=0.01"  # a colleague may have set 0.05 before
    dvc("exp", "run", "-q", "--temp", "-n", "weaker", "-S", value, cwd=clone)
    assert "weaker" in dvc("exp", "show", "--csv", cwd=clone)
    changed = json.loads(dvc("metrics", "diff", "HEAD", "weaker", "--json", cwd=clone))
    loss = changed["mlspec.results/evaluate/scores.json"]["log_loss.value"]
    assert loss["new"] > loss["old"]
    assert git("status", "--porcelain", cwd=clone) == ""
