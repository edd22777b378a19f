"""A team's two weeks: two clones and a remote, runs, data behind DVC, and the comment that their reviewers read."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import COMMAND

pytest.importorskip("dvc")
pytestmark = pytest.mark.slow

PATH = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
WHO = {f"GIT_{who}_{what}": "team@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
QUIET = {**os.environ, **WHO, "PATH": PATH, "DVC_NO_ANALYTICS": "1", "NO_COLOR": "1", "GIT_CONFIG_GLOBAL": os.devnull}
SPEC = """\
project: {{name: {name}, task: binary_classification}}
constraints:
  quality:
    - {{metric: roc_auc, at_least: 0.6}}
data:
  sources: {{rows: {{path: rows.csv}}}}
  columns: {{target: y}}
model:
  candidates: {{one: {{type: logistic_regression}}}}
evaluation: {{metrics: [roc_auc], confidence: {{resamples: 100}}}}
backend: {{engine: inline}}
"""


def rows(count: int) -> str:
    lines = [f"{i % 40 + (i % 2) * 30},{(i * 7) % 13},{'yes' if i % 2 else 'no'}" for i in range(count)]
    return "\n".join(["x,z,y", *lines]) + "\n"


def tool(*command: str, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(command, cwd=cwd, env=QUIET, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def git(folder: Path, *arguments: str) -> str:
    return tool("git", *arguments, cwd=folder)


def dvc(folder: Path, *arguments: str) -> None:
    tool(sys.executable, "-m", "dvc", *arguments, cwd=folder)


def mlspec(folder: Path, *arguments: str, code: int = 0) -> str:
    return tool(str(COMMAND), *arguments, cwd=folder, code=code)


def write(folder: Path, name: str, count: int | None = None) -> None:
    (folder / name).mkdir()
    (folder / name / "project.yaml").write_text(SPEC.format(name=name))
    if count is not None:
        (folder / name / "rows.csv").write_text(rows(count))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


def test_two_weeks_of_a_team_are_reviewed_in_one_comment(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "ana")
    ana, ben = tmp_path / "ana", tmp_path / "ben"
    git(ana, "switch", "-q", "-c", "main")
    dvc(ana, "init", "-q")
    dvc(ana, "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    for name in ("churn", "fraud", "sales"):
        write(ana, name, 300)
    with (ana / ".gitignore").open("a") as file:
        file.write(".mlspec/\n")
    (ana / ".gitattributes").write_text("project.yaml merge=mlspec\nmlspec.lock merge=mlspec\n")
    git(ana, "config", "merge.mlspec.driver", f"{COMMAND} merge %O %A %B %P")
    dvc(ana, "add", "-q", "churn/rows.csv")
    dvc(ana, "push", "-q")
    for name in ("churn", "fraud"):
        mlspec(ana, "run", name)
    commit(ana, "three specs")
    git(ana, "push", "-q", "origin", "main")

    # The first week: both work at one spec and at others, and their locks come together.
    git(tmp_path, "clone", "-q", "origin.git", "ben")
    dvc(ben, "pull", "-q")
    git(ben, "switch", "-q", "-c", "tune")
    edit(ben / "churn/project.yaml", "{type: logistic_regression}", "{type: logistic_regression, C: 2.0}")
    mlspec(ben, "run", "churn")
    commit(ben, "tune churn")
    git(ben, "push", "-q", "origin", "tune")
    edit(ana / "fraud/project.yaml", "at_least: 0.6", "at_least: 0.65")
    mlspec(ana, "run", "fraud")
    edit(ana / "churn/project.yaml", "at_least: 0.6}", "at_least: 0.62}  # agreed with sales")
    mlspec(ana, "run", "churn")
    commit(ana, "stricter gates")
    git(ana, "fetch", "-q")
    assert "would have held" in mlspec(ana, "diff", "--all", "HEAD~1", "HEAD")
    git(ana, "merge", "-q", "--no-edit", "origin/tune")
    spec = (ana / "churn/project.yaml").read_text()
    assert "C: 2.0" in spec
    assert "at_least: 0.62}  # agreed with sales" in spec
    # The tuned model was not judged by the stricter gate: the merged lock does not claim it, and a run completes it.
    judged = ("diff", "--all", "HEAD^1", "HEAD", "--fail-on", "stale,loosened,removed")
    assert "blocked by 1 spec (stale)" in mlspec(ana, *judged, code=1)
    mlspec(ana, "run", "churn")
    git(ana, "commit", "-qa", "--amend", "--no-edit")
    assert "1 changed, 2 unchanged" in mlspec(ana, *judged)
    assert mlspec(ana, "diff", "--all", "--exit-code").endswith("3 unchanged\n")
    git(ana, "push", "-q", "origin", "main")

    # The second week: more data behind the pointer, a spec moved and loosened without a run, one added, one deleted.
    git(ben, "switch", "-q", "main")
    git(ben, "pull", "-q")
    git(ben, "switch", "-q", "-c", "week2")
    (ben / "churn/rows.csv").write_text(rows(360))
    dvc(ben, "add", "-q", "churn/rows.csv")
    mlspec(ben, "run", "churn")
    git(ben, "mv", "fraud", "risk")
    edit(ben / "risk/project.yaml", "at_least: 0.65", "at_least: 0.5")
    write(ben, "returns", 100)
    git(ben, "rm", "-rq", "sales")
    dvc(ben, "push", "-q")
    commit(ben, "the second week")
    git(ben, "push", "-q", "origin", "week2")

    # The reviewer has the old data, and checks out nothing.
    git(ana, "fetch", "-q")
    arguments = ("diff", "--all", "origin/main...origin/week2", "--format", "markdown", "--fail-on", "removed,stale")
    comment = html.unescape(mlspec(ana, *arguments, code=1))
    first = comment.splitlines()[0]
    assert first == "⛔ **Blocked by 2 specs (removed, stale); 1 changed, 1 moved, 1 new, 1 deleted**"
    sections = dict(re.findall(r"^### <code>(.*?)/project.yaml</code>: (.*?)\n", comment, re.MULTILINE))
    assert sections == {"churn": "changed", "risk": "moved", "returns": "new", "sales": "deleted"}
    for part in (
        "content of rows.csv",
        "data of <code>rows</code>: <code>300 -> 360 rows",
        "Moved from <code>fraud/project.yaml</code>",
        "<code>0.65 -> 0.5</code>",
        "<code>at least 0.65 -> at least 0.5</code>",
        "mlspec.lock is out of date: it has no result of the new gate.quality.roc_auc",
        "The spec was deleted",
    ):
        assert part in comment, part

    # Run again, the lock is that of its spec; the deletion is accepted with a reason.
    mlspec(ben, "run", "risk")
    commit(ben, "the lock of the moved spec")
    git(ben, "push", "-q", "origin", "week2")
    git(ana, "fetch", "-q")
    accepted = (*arguments[:-1], "removed,stale,exposure", "--allow", "removed=sold with the shops")
    assert mlspec(ana, *accepted).startswith("🔎 **1 changed, 1 moved, 1 new, 1 deleted**")
    git(ana, "merge", "-q", "--no-edit", "origin/week2")
    dvc(ana, "pull", "-q")
    assert mlspec(ana, "diff", "--all", "--exit-code").endswith("3 unchanged\n")
