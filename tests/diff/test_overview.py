"""All specs of a repository in one comment, and a spec that was moved, deleted or can't be read."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path

import jsonschema
import pytest

from mlspec import api
from mlspec.diagnostics import SpecError
from mlspec.diff.change import Overview
from mlspec.diff.show import markdown
from mlspec.diff.show.host import host

MLSPEC = str(Path(sysconfig.get_path("scripts")) / "mlspec")
ROOT = Path(__file__).parents[2]
SPEC = """\
mlspec: 1
project: {name: small, task: binary_classification}
constraints:
  quality:
    - {metric: roc_auc, at_least: 0.8}
data:
  sources: {people: {path: people.csv}}
  columns: {target: income, drop: [weight]}
model:
  candidates: {one: {type: logistic_regression}}
"""
ROWS = "age,job,weight,income\n" + "".join(f"{20 + i},{'abc'[i % 3]},{i},{'hl'[i % 2]}\n" for i in range(9))
LOWER = ("at_least: 0.8", "at_least: 0.7")


def git(folder: Path, *arguments: str) -> str:
    settings = ("user.name=t", "user.email=t@localhost", "commit.gpgsign=false", "core.autocrlf=false")
    given = [part for setting in settings for part in ("-c", setting)]
    done = subprocess.run(["git", *given, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def commit(folder: Path, files: dict[str, str] | None = None) -> None:
    write(folder, files or {})
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")


def named(name: str) -> str:
    return SPEC.replace("name: small", f"name: {name}")


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six specs, one of them under another name, and files that look like specs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for name in ("loose", "moved", "gone", "same", "broken"):
        write(folder, {f"{name}/project.yaml": named(name), f"{name}/people.csv": ROWS})
    write(folder, {"other/churn.yml": named("churn"), "other/people.csv": ROWS})
    write(folder, {".hidden/project.yaml": "project: 1", "chart/project.yaml": "kind: Project\n"})
    write(folder, {"other/values.yaml": "mlspec: {image: x}\n"})
    commit(folder)
    monkeypatch.chdir(folder)
    return folder


def change(project: Path) -> None:
    git(project, "mv", "moved", "elsewhere")
    git(project, "rm", "-q", "-r", "gone")
    write(project, {"loose/project.yaml": named("loose").replace(*LOWER)})
    write(project, {"new/project.yaml": named("new").replace("one", "two"), "new/people.csv": ROWS[:90]})


def told(found: Overview) -> dict[str, str]:
    return {spec.path: spec.status for spec in found.specs}


def test_what_became_of_every_spec(project: Path) -> None:
    assert set(told(api.diff_all()).values()) == {"unchanged"}
    change(project)
    expected = {
        "loose/project.yaml": "changed", "elsewhere/project.yaml": "moved", "gone/project.yaml": "deleted",
        "new/project.yaml": "new", "same/project.yaml": "unchanged", "broken/project.yaml": "unchanged",
        "other/churn.yml": "unchanged",
    }  # fmt: skip
    here = api.diff_all(fail_on=("removed",))
    assert told(here) == expected
    assert here.failing == ("gone/project.yaml",)
    assert api.diff_all(fail_on=("removed",), allow=("removed=agreed",)).failing == ()
    assert [one.what for one in api.diff_all(allow=("contract=x", "removed=x")).unused] == ["contract"]
    commit(project)
    assert told(api.diff_all("HEAD~1", "HEAD")) == expected
    assert told(api.diff_all("HEAD~1..", spec="loose")) == {"loose/project.yaml": "changed"}


@pytest.mark.slow
def test_one_comment_has_all_of_it_and_one_that_cannot_be_read_is_not_lost(project: Path) -> None:
    change(project)
    write(project, {"broken/project.yaml": "project: [\n", "other/churn.yml": "nothing: here\n"})

    def run(*arguments: str) -> tuple[int, str]:
        command = [MLSPEC, "diff", "--all", *arguments]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    code, comment = run("--format", "markdown", "--fail-on", "loosened")
    assert code == 2
    assert comment.splitlines()[0] == (
        "⛔ **2 specs can't be compared; blocked by 1 spec (loosened); "
        "1 changed, 1 moved, 1 new, 1 deleted, 1 unchanged**"
    )
    plain = re.sub("&#(\\d+);", lambda found: chr(int(found[1])), comment)
    for part in (
        "| 🔴 <code>gone/project.yaml</code><br><sub>deleted</sub> | <code>the spec is deleted</code> |",
        "Moved from <code>moved/project.yaml</code>. Its meaning did not change.",
        "### <code>broken/project.yaml</code>: unreadable",
        "<code>error[syntax]",
        "Unchanged: <code>same/project.yaml</code>",
    ):
        assert part in plain
    assert comment.endswith("<!-- mlspec:diff:all -->\n")
    code, text = run()
    assert code == 2
    assert "elsewhere/project.yaml (moved from moved/project.yaml): HEAD" in text
    code, made = run("--format", "json")
    schema = json.loads((ROOT / "schema/diff-all.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(json.loads(made))
    assert "file=broken/project.yaml::error" in run("--format", "github")[1]
    results = json.loads(run("--format", "sarif")[1])["runs"][0]["results"]
    assert {result["ruleId"] for result in results} >= {"loosened", "removed"}
    write(project, {"broken/project.yaml": named("broken"), "other/churn.yml": named("churn")})
    assert run("--fail-on", "loosened")[0] == 1
    assert run()[0] == 0
    assert run("--exit-code")[0] == 1
    assert run("no-such-revision")[0] == 2


def test_a_single_spec_is_followed_where_it_was_moved_to(project: Path) -> None:
    change(project)
    moved = api.diff(spec="elsewhere")
    assert (moved.status, moved.base.path, moved.changes) == ("moved", "moved/project.yaml", ())
    assert moved.impact.invalidated == ()
    write(project, {"elsewhere/project.yaml": named("moved").replace(*LOWER)})
    assert [one.class_ for one in api.diff(spec="elsewhere").changes] == ["loosened"]
    assert api.diff(spec="moved").head.path == "elsewhere/project.yaml"
    gone = api.diff(spec="gone", fail_on=("removed",))
    assert [(one.class_, one.kind, one.path) for one in gone.changes] == [("removed", "removed", "the whole spec")]
    assert gone.failing == (gone.changes[0].id,)
    assert api.diff(spec="new").status == "new"
    commit(project)
    assert api.diff("HEAD~1", "HEAD", spec="moved").head.path == "elsewhere/project.yaml"
    assert api.diff("HEAD~1", "HEAD", spec="gone").status == "deleted"
    with pytest.raises(SpecError, match="nowhere"):
        api.diff("HEAD~1", "HEAD", spec="nowhere")


def test_on_a_host_names_and_lines_are_links(project: Path) -> None:
    write(project, {"loose/project.yaml": named("loose").replace(*LOWER)})
    sha = git(project, "rev-parse", "HEAD")
    variables = {
        "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "team/ml",
        "GITHUB_SHA": sha,
    }  # fmt: skip
    made = markdown.overview(api.diff_all(), host(variables))
    address = f"https://github.com/team/ml/blob/{sha}/loose/project.yaml"
    assert f'<a href="{address}#L5">' in made
    assert f'<a href="{address}">' in made
    assert f'<a href="https://github.com/team/ml/commit/{sha}"><code>head</code></a>' in made
    assert f'<a href="{address}#L5">' in markdown.markdown(api.diff(spec="loose"), host(variables))
    gitlab = {"GITLAB_CI": "true", "CI_PROJECT_URL": "https://git.example.org/a/b", "CI_COMMIT_SHA": sha}
    assert f"https://git.example.org/a/b/-/blob/{sha}/loose/project.yaml#L5" in markdown.overview(
        api.diff_all(), host(gitlab)
    )
    for name, value in (("GITHUB_SERVER_URL", 'https://x"><script>'), ("GITHUB_REPOSITORY", "a/b/../c)")):
        assert host({**variables, name: value}) is None
    assert "working tree" in markdown.overview(api.diff_all(), None)
