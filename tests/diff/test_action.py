"""The action, the workflows that use it, the hooks and the comment, as far as they go without the hosting service: the
steps are carried out as a runner does (runner.py), in a clone of a local bare repository.
"""

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlspec import api
from mlspec.engine.run import lockfile
from mlspec.graph import spec_identity

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("diff_runner", Path(__file__).with_name("runner.py"))
assert _spec is not None
assert _spec.loader is not None
runner_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(runner_module)
Runner: Any = runner_module.Runner
SPEC = (Path(__file__).parent / "cases/people.yaml").read_text()
ROWS = "number,age,job,sex,weight,city,income\n" + "".join(
    f"{i},{20 + i},{'abc'[i % 3]},{'mf'[i % 2]},{i / 2},x,{'high' if i % 3 else 'low'}\n" for i in range(30)
)
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(name="clone")
def clone_fixture(tmp_path: Path) -> Path:
    """A clone of a bare repository, on a branch off main."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    clone = tmp_path / "clone"
    git(clone, "switch", "-q", "-c", "main")
    (clone / "people.csv").write_text(ROWS)
    commit(clone, SPEC)
    git(clone, "push", "-q", "origin", "main")
    git(clone, "switch", "-q", "-c", "branch")
    return clone


def commit(clone: Path, text: str) -> None:
    (clone / "project.yaml").write_text(text)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "one")


def values(clone: Path, **more: str) -> dict[str, str]:
    given = runner_module.inputs(ACTION) | {"inputs.package": "installed"}
    return given | {"github.event.pull_request.base.sha": git(clone, "rev-parse", "origin/main"), **more}


def test_a_pull_request_is_checked_compared_and_stopped(clone: Path, tmp_path: Path) -> None:
    commit(clone, SPEC.replace("at_least: 0.9}", "at_least: 0.8}"))
    runner = Runner(clone, tmp_path / "scratch")
    assert runner.run(ACTION["runs"]["steps"], values(clone)) == 1
    assert runner.outputs["compare"]["failing"] == "true"
    folder = Path(runner.outputs["check"]["folder"])
    assert sorted(file.name for file in folder.iterdir()) == ["comment.md", "diff.json", "diff.sarif"]
    assert "⛔ **Blocked: 1 change (loosened) not accepted**" in runner.log
    assert "::error title=loosened%3A constraints.quality[roc_auc].at_least,file=project.yaml,line=12" in runner.log
    assert [change["class"] for change in json.loads((folder / "diff.json").read_text())["changes"]] == ["loosened"]
    assert not (tmp_path / "scratch/gh.log").exists()


@pytest.mark.slow
def test_an_accepted_change_passes_and_is_listed(clone: Path, tmp_path: Path) -> None:
    commit(clone, SPEC.replace("at_least: 0.9}", "at_least: 0.8}"))
    runner = Runner(clone, tmp_path / "scratch")
    allowed = {"inputs.allow": "loosened=agreed; ticket $(touch stolen) `touch stolen`\n\nexposure=not needed"}
    assert runner.run(ACTION["runs"]["steps"], values(clone, **allowed)) == 0
    assert "accepted: <code>agreed&#59; ticket &#36;(touch stolen)" in runner.log
    assert "accepts nothing here" in runner.log
    assert not list(clone.rglob("stolen"))


def test_a_wrong_spec_and_a_failed_comparison_are_no_clean_result(clone: Path, tmp_path: Path) -> None:
    commit(clone, SPEC.replace("quality:", "qality:"))
    runner = Runner(clone, tmp_path / "scratch")
    assert runner.run(ACTION["runs"]["steps"], values(clone)) == 2
    assert "::error title=unknown-key,file=project.yaml" in runner.log
    commit(clone, SPEC.replace("seed: 7", "seed: 8"))
    runner = Runner(clone, tmp_path / "again")
    missing = {"github.event.pull_request.base.sha": "0" * 40}
    assert runner.run(ACTION["runs"]["steps"], values(clone, **missing)) == 2
    assert "⛔ **The comparison failed**: the log of the job says why." in runner.log


@pytest.mark.slow
def test_a_new_spec_is_reported_as_new(clone: Path, tmp_path: Path) -> None:
    git(clone, "mv", "project.yaml", "elsewhere.yaml")
    git(clone, "commit", "-q", "-m", "away")
    git(clone, "push", "-q", "origin", "branch:main")
    git(clone, "fetch", "-q")
    commit(clone, SPEC)
    runner = Runner(clone, tmp_path / "scratch")
    assert runner.run(ACTION["runs"]["steps"], values(clone)) == 0
    assert "**The spec is new**" in runner.log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("known", "called"),
    [("", "--method POST repos/o/r/issues/7/comments"), ("55\n66\n", "--method PATCH repos/o/r/issues/comments/55")],
)
def test_one_comment_is_kept_up_to_date(clone: Path, tmp_path: Path, known: str, called: str) -> None:
    commit(clone, SPEC.replace("seed: 7", "seed: 8"))
    runner = Runner(clone, tmp_path / "scratch", GH_KNOWN=known)
    given = {"inputs.comment": "direct", "github.event.pull_request.number": "7", "github.repository": "o/r"}
    assert runner.run(ACTION["runs"]["steps"], values(clone, **given)) == 0
    calls = [line for line in runner.asked.splitlines() if line.startswith("api ")]
    assert calls[-1].startswith(f"api {called} -F body=@")
    assert "<!-- mlspec:diff:project.yaml -->" in calls[0]


def test_the_commenter_of_forks_trusts_nothing_in_the_artifact(tmp_path: Path) -> None:
    comment = yaml.safe_load((ROOT / ".github/actions/comment/action.yml").read_text())
    folder = tmp_path / "artifact"
    folder.mkdir()
    given = {
        "inputs.folder": str(folder), "github.repository": "o/r",
        "github.event.workflow_run.head_repository.owner.login": "stranger",
        "github.event.workflow_run.head_branch": "patch-1", "github.event.workflow_run.head_sha": "abc",
    }  # fmt: skip
    where = {"GITHUB_ACTION_PATH": str(ROOT / ".github/actions/comment")}
    (folder / "comment.md").write_text("text\n<!-- mlspec:diff:a/project.yaml -->\n")
    (folder / "number").write_text("1")
    runner = Runner(tmp_path, tmp_path / "one", GH_NUMBER="12", **where)
    assert runner.run(comment["runs"]["steps"], given) == 0
    calls = [line for line in runner.asked.splitlines() if line.startswith("api ")]
    assert "head=stranger:patch-1" in calls[0]
    assert calls[-1].startswith("api --method POST repos/o/r/issues/12/comments")
    runner = Runner(tmp_path, tmp_path / "two", **where)
    assert runner.run(comment["runs"]["steps"], given) == 0
    assert "no open pull request has this head" in runner.log
    (folder / "comment.md").write_text('text\n<!-- mlspec:diff:x") or true # -->\n')
    runner = Runner(tmp_path, tmp_path / "three", GH_NUMBER="12", **where)
    assert runner.run(comment["runs"]["steps"], given) == 1


@pytest.mark.slow
@pytest.mark.parametrize("theirs", ["", "echo mlspec 0.13.0"])
def test_neither_a_pip_of_the_pull_request_nor_another_mlspec_is_run(clone: Path, tmp_path: Path, theirs: str) -> None:
    (clone / "pip").mkdir()
    for name in ("__init__.py", "__main__.py"):
        (clone / "pip" / name).write_text("open('stolen', 'w')\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    scripts = {"python3": f'exec "{sys.executable}" "$@"', **({"mlspec": theirs} if theirs else {})}
    for name, line in scripts.items():
        (tools / name).write_text(f"#!/bin/bash\n{line}\n")
        (tools / name).chmod(0o755)
    for name in ("bash", "realpath", "mktemp"):
        (tools / name).symlink_to(str(shutil.which(name)))
    runner = Runner(clone, tmp_path / "scratch", PATH=str(tools))
    missing = {"inputs.package": str(tmp_path / "no-such-package")}
    assert runner.run(ACTION["runs"]["steps"][:1], values(clone, **missing)) not in (0, 127)
    assert "no-such-package" in runner.log  # the real pip's word
    assert not list(clone.rglob("stolen"))


def test_no_expression_stands_in_a_script() -> None:
    for file in runner_module.ACTIONS.values():
        for step in yaml.safe_load(file.read_text())["runs"]["steps"]:
            assert "${{" not in step.get("run", "")


def hook(name: str, clone: Path, *files: str) -> tuple[int, str]:
    about = HOOKS[name]
    shown = [file for file in files if re.search(about["files"], file)]
    if not shown:
        return 0, ""
    command = [*shlex.split(about["entry"]), *(shown if about.get("pass_filenames", True) else [])]
    command[0] = str(Path(sysconfig.get_path("scripts")) / command[0])
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def lock(clone: Path) -> None:
    """Write the lock of a run, without its figures."""
    graph = api.compile(clone / "project.yaml").plan.graph
    identities = spec_identity.digests(graph, {step_id: step.files for step_id, step in graph.steps.items()})
    steps = {step_id: lockfile.LockedStep(fingerprint=own, identity=own) for step_id, own in identities.items()}
    (clone / "mlspec.lock").write_bytes(lockfile.text(lockfile.Lock(steps=steps)))


@pytest.mark.slow
def test_the_hooks(clone: Path) -> None:
    assert hook("mlspec-validate", clone, "README.md", "project.yaml", "people.csv")[0] == 0
    (clone / "project.yaml").write_text(SPEC.replace("quality:", "qality:"))
    assert hook("mlspec-validate", clone, "project.yaml")[0] == 2
    (clone / "project.yaml").write_text(SPEC)
    lock(clone)
    commit(clone, SPEC)
    (clone / "project.yaml").write_text(SPEC.replace("goal: Find", "goal: Look for"))
    assert hook("mlspec-lock", clone, "project.yaml")[0] == 0
    (clone / "project.yaml").write_text(SPEC.replace("at_least: 0.9}", "at_least: 0.95}"))
    code, said = hook("mlspec-lock", clone, "project.yaml")
    assert code == 1
    assert "blocked: mlspec.lock is out of date" in said
    lock(clone)
    assert hook("mlspec-lock", clone, "project.yaml", "mlspec.lock")[0] == 0
