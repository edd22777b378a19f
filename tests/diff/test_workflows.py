"""Workflows as the documentation shows them and ``init --ci`` writes them, carried out as a runner does: three specs, a
fork, a shallow clone, a spec that is not valid, labels, silence."""

import importlib.util
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlspec.cli import main

_spec = importlib.util.spec_from_file_location("workflows_action", Path(__file__).with_name("test_action.py"))
assert _spec is not None
assert _spec.loader is not None
action: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(action)
Runner, ROOT, SPEC, ROWS, git = action.Runner, action.ROOT, action.SPEC, action.ROWS, action.git
STEPS = action.ACTION["runs"]["steps"]
LOOSE = SPEC.replace("at_least: 0.9}", "at_least: 0.8}")
DOCS = re.findall(r"```yaml\n(# \.github/workflows.*?)```", (ROOT / "docs/diff.md").read_text(), re.DOTALL)
NAMES = ("credit", "fraud", "churn")
FORK = {
    "github.event_name": "workflow_run", "github.repository": "o/r",
    "github.event.workflow_run.head_repository.owner.login": "stranger",
    "github.event.workflow_run.head_branch": "branch", "github.event.workflow_run.head_sha": "abc",
}  # fmt: skip
LABELS = "github.event.pull_request.labels.*.name"


@pytest.fixture(name="clone")
def clone_fixture(tmp_path: Path) -> Path:
    """A clone of a bare repository with three specs, on a branch off main."""
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin.git")
    git(tmp_path, "clone", "-q", "origin.git", "clone")
    clone = tmp_path / "clone"
    git(clone, "switch", "-q", "-c", "main")
    for name in NAMES:
        (clone / name).mkdir()
        (clone / name / "people.csv").write_text(ROWS)
    commit(clone, **dict.fromkeys(NAMES, SPEC))
    git(clone, "push", "-q", "origin", "main")
    git(clone, "switch", "-q", "-c", "branch")
    return clone


def commit(clone: Path, **texts: str) -> None:
    for name, text in texts.items():
        (clone / name / "project.yaml").write_text(text)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "one")


def values(clone: Path, **more: Any) -> dict[str, Any]:
    base = git(clone, "rev-parse", "origin/main")
    return {"inputs.package": "installed", "github.event.pull_request.base.sha": base, **more}


def one(clone: Path, **inputs: str) -> dict[str, Any]:
    given = {f"inputs.{key.replace('_', '-')}": value for key, value in inputs.items()}
    return action.runner_module.inputs(action.ACTION) | values(clone) | {"inputs.spec": "credit/project.yaml"} | given


def bodies(runner: Any) -> list[str]:
    """The texts of the comments that were written, by their markers' order."""
    found = re.findall(
        r"^api [^\n]*body=@[^\n]*\n(.*?(<!-- mlspec:diff:\S+ -->))", runner.asked, re.DOTALL | re.MULTILINE
    )
    return [text for text, _ in sorted(found, key=lambda pair: pair[1])]


@pytest.mark.slow
@pytest.mark.parametrize("known", ["", "55\n"])
def test_three_specs_of_a_fork_have_three_comments(clone: Path, tmp_path: Path, known: str) -> None:
    commit(clone, credit=LOOSE, fraud=SPEC.replace("quality:", "qality:"))
    check, comment = DOCS
    runner = Runner(clone, tmp_path / "scratch", GH_NUMBER="12", GH_KNOWN=known)
    codes = runner.workflow(check, values(clone))
    assert codes == {"spec credit/project.yaml": 1, "spec fraud/project.yaml": 2, "spec churn/project.yaml": 0}
    assert len(list(runner.artifacts.iterdir())) == 3
    assert runner.asked == ""
    assert runner.workflow(comment, FORK) == {"comment": 0}
    churn, credit, fraud = bodies(runner)
    assert churn.startswith("✅ **No change of meaning**")
    assert credit.startswith("⛔ **Blocked: 1 change (loosened) not accepted**")
    assert fraud.startswith("⛔ **Not valid: 1 error**")
    assert "unknown key &#39;qality&#39; in constraints" in fraud
    assert [text.splitlines()[-1] for text in (churn, credit, fraud)] == [
        f"<!-- mlspec:diff:{name}/project.yaml -->" for name in ("churn", "credit", "fraud")
    ]
    called = "--method PATCH repos/o/r/issues/comments/55" if known else "--method POST repos/o/r/issues/12/comments"
    assert runner.asked.count(called) == 3


def test_what_init_writes_checks_all_specs(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone / "credit")
    assert main(["init", "--ci", "github"]) == 0
    assert main(["init", "--ci", "github"]) == 2  # nothing is overwritten
    assert main(["init", "--ci", "github", "--force"]) == 0
    commit(clone, credit=LOOSE)
    check, comment = ((clone / f".github/workflows/{name}.yml").read_text() for name in ("mlspec", "mlspec-comment"))
    assert yaml.safe_load(check)["permissions"] == {"contents": "read"}
    runner = Runner(clone, tmp_path / "scratch", GH_NUMBER="12")
    assert runner.workflow(check, values(clone)) == {"spec": 1}
    assert runner.workflow(comment, FORK) == {"comment": 0}
    (body,) = bodies(runner)
    assert body.startswith("⛔ **Blocked by 1 spec (loosened)")
    assert body.endswith("<!-- mlspec:diff:all -->")
    pushed = {"github.event_name": "pull_request_target", "github.repository": "o/r"}
    pushed |= {
        "github.event.pull_request.number": "12",
        LABELS: ["bug", "mlspec-allow: loosened", "mlspec-allow: $(x)"],
    }
    assert runner.workflow(comment, pushed) == {"labels": 0}
    removed = [line for line in runner.asked.splitlines() if "DELETE" in line]
    assert removed == ["api --method DELETE repos/o/r/issues/12/labels/mlspec-allow%3A%20loosened"]


def test_what_init_writes_for_gitlab(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    for name in ("fraud", "churn"):
        git(clone, "rm", "-rq", name)
    assert main(["init", "--ci", "gitlab"]) == 0
    commit(clone, credit=LOOSE)
    job = yaml.safe_load((clone / ".gitlab-ci.yml").read_text())["mlspec"]
    program = clone.parent / "mlspec"
    program.write_text(action.runner_module.MLSPEC)
    program.chmod(0o755)
    define = job["before_script"][-1].replace("/opt/mlspec/bin/mlspec", str(program))
    script = "\n".join(["set -e", define, *job["script"]])
    base = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": git(clone, "rev-parse", "origin/main")}
    done = subprocess.run(
        ["bash", "-c", script], cwd=clone, env={**action.runner_module.os.environ, **base}, check=False
    )
    assert done.returncode == 1
    assert (clone / "diff.md").read_text().startswith("🔎 **1 change: 1 loosened**")


@pytest.mark.slow
def test_a_label_accepts_until_the_next_push_and_a_note_does_not(clone: Path, tmp_path: Path) -> None:
    noted = LOOSE.replace("at_least: 0.8}", "at_least: 0.8} # mlspec-allow loosened: I say so")
    commit(clone, credit=noted)
    labels = {LABELS: ["bug", "mlspec-allow: loosened"]}
    cases = {
        "pushed": (one(clone) | labels | {"github.event.action": "synchronize"}, 1),
        "none": (one(clone), 1),
        "other": (one(clone) | {LABELS: ["mlspec-allow: removed"], "github.event.action": "labeled"}, 1),
        "set": (one(clone) | labels | {"github.event.action": "labeled"}, 0),
        "notes": (one(clone, accept="notes"), 0),
    }
    logs = {}
    for name, (given, code) in cases.items():
        runner = Runner(clone, tmp_path / name)
        assert runner.run(STEPS, given) == code, (name, runner.log)
        logs[name] = runner.log
    assert "Labels from before the last push do not count" in logs["pushed"]
    assert "Labels from before" not in logs["none"]
    assert "mlspec-allow loosened&#58; I say so (this note accepts nothing here" in logs["none"]
    assert "accepted: <code>label of the pull request</code>" in logs["set"]
    assert "accepted: <code>I say so</code>" in logs["notes"]


def shallow(clone: Path, tmp_path: Path, origin: str = "origin.git") -> Path:
    """A checkout of the branch as actions/checkout makes it without fetch-depth."""
    git(clone, "push", "-q", "origin", "branch")
    git(tmp_path, "clone", "-q", "--depth", "1", "--branch", "branch", f"file://{tmp_path}/{origin}", "shallow")
    return tmp_path / "shallow"


@pytest.mark.slow
def test_a_shallow_clone_is_deepened(clone: Path, tmp_path: Path) -> None:
    commit(clone, credit=LOOSE)
    commit(clone, fraud=LOOSE)
    given = one(clone)
    here = shallow(clone, tmp_path)
    runner = Runner(here, tmp_path / "scratch")
    assert runner.run(STEPS, given) == 1, runner.log
    assert "⛔ **Blocked: 1 change (loosened) not accepted**" in runner.log


@pytest.mark.parametrize("fetch", ["never", "deepen"])
def test_where_it_can_not_be_deepened_the_comment_says_what_to_do(clone: Path, tmp_path: Path, fetch: str) -> None:
    commit(clone, credit=LOOSE)
    given = one(clone, fetch=fetch)
    here = shallow(clone, tmp_path)
    (tmp_path / "origin.git").rename(tmp_path / "gone.git")
    runner = Runner(here, tmp_path / "scratch")
    assert runner.run(STEPS, given) == 2
    assert "::error title=mlspec diff::the checkout is shallow and lacks the base" in runner.log
    (text,) = (file.read_text() for file in runner.artifacts.glob("*/comment.md"))
    assert text.startswith("⛔ **The comparison failed**: the checkout is shallow")
    assert "<code>fetch-depth: 0</code>" in text
    assert text.endswith("\n<!-- mlspec:diff:credit/project.yaml -->\n")


@pytest.mark.slow
def test_a_cut_history_hides_no_merge_base(clone: Path, tmp_path: Path) -> None:
    """The branch has main's stricter gate at the end of a long line, and takes it back in a merge with an old commit.
    Where the line is cut, that commit looks like the merge base, and the gate like the old one."""
    git(clone, "switch", "-q", "main")
    commit(clone, credit=SPEC.replace("at_least: 0.9}", "at_least: 0.95}"))
    git(clone, "switch", "-q", "-c", "long")
    for _ in range(60):
        git(clone, "commit", "-q", "--allow-empty", "-m", "more")
    git(clone, "switch", "-q", "main")
    commit(clone, fraud=LOOSE)
    git(clone, "push", "-q", "origin", "main")
    git(clone, "switch", "-q", "branch")
    commit(clone, churn=LOOSE)
    git(clone, "merge", "-q", "-s", "ours", "-m", "back", "long")
    given = one(clone)
    runner = Runner(shallow(clone, tmp_path), tmp_path / "scratch")
    assert runner.run(STEPS, given) == 1, runner.log
    assert "⛔ **Blocked: 1 change (loosened) not accepted**" in runner.log


@pytest.mark.parametrize(
    ("edit", "comment_on", "known", "written"),
    [
        (("goal: Find", "goal: Look for"), "warning", "", False),
        (("goal: Find", "goal: Look for"), "warning", "55\n", True),  # what is there is kept up to date
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in (
                (("goal: Find", "goal: Look for"), "info", "", True),
                (("goal: Find", "goal: Look for"), "always", "", True),
                (("# ", "# "), "info", "", False),
                (("seed: 7", "seed: 8"), "warning", "", True),
                (("seed: 7", "seed: 8"), "error", "", False),
                (("quality:", "qality:"), "error", "", True),
            )
        ),
    ],
)
def test_below_a_threshold_no_comment_is_begun(
    clone: Path, tmp_path: Path, edit: tuple[str, str], comment_on: str, known: str, written: bool
) -> None:
    commit(clone, credit=SPEC.replace(*edit), fraud=LOOSE)
    given = one(clone, comment="direct", comment_on=comment_on)
    given |= {"github.event.pull_request.number": "7", "github.repository": "o/r"}
    runner = Runner(clone, tmp_path / "scratch", GH_KNOWN=known)
    runner.run(STEPS, given)
    assert len(bodies(runner)) == written, runner.log


def test_a_weaker_policy_stops_a_pull_request(clone: Path, tmp_path: Path) -> None:
    (clone / "policy.yaml").write_text("backends: [{engine: ray, reason: r}, {engine: dvc, reason: r}]\n")
    commit(clone)
    git(clone, "push", "-q", "origin", "branch:main")
    git(clone, "fetch", "-q")
    (clone / "policy.yaml").write_text("backends: [{engine: ray, reason: r}]\n")
    commit(clone)
    runner = Runner(clone, tmp_path / "scratch")
    assert runner.run(STEPS, one(clone, spec="all")) == 1
    assert "⛔ **Blocked by 1 spec (policy)" in runner.log
    assert "::error title=policy%3A policy.yaml backends[dvc]" in runner.log
    (text,) = (file.read_text() for file in runner.artifacts.glob("*/comment.md"))
    assert text.count("policy.yaml backends&#91;dvc&#93;") == 1  # not once for each spec


def test_all_specs_where_one_is_not_valid(clone: Path, tmp_path: Path) -> None:
    commit(clone, credit=LOOSE, fraud=SPEC.replace("quality:", "qality:"))
    runner = Runner(clone, tmp_path / "scratch")
    assert runner.run(STEPS, one(clone, spec="all")) == 2
    (text,) = (file.read_text() for file in runner.artifacts.glob("*/comment.md"))
    assert text.startswith("⛔ **Not valid: 1 error**")
    assert "<code>fraud/project.yaml&#58;11</code>" in text
    assert text.endswith("\n<!-- mlspec:diff:all -->\n")
