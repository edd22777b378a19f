"""Which versions are compared, and what is read of git: objects alone, nothing checked out, started or written."""

import hashlib
import os
import subprocess
import sysconfig
from pathlib import Path

import msgspec
import pytest

from mlspec import api
from mlspec.diagnostics import SpecError, render
from mlspec.diff.change import Diff

MLSPEC = str(Path(sysconfig.get_path("scripts")) / "mlspec")
SPEC = """\
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
CELLS = [(20 + i, "abc"[i % 3], i, "high" if i % 2 else "low") for i in range(9)]
ROWS = "age,job,weight,income\n" + "".join(",".join(map(str, row)) + "\n" for row in CELLS)


def git(folder: Path, *arguments: str) -> str:
    settings = ("user.name=t", "user.email=t@localhost", "commit.gpgsign=false", "core.autocrlf=false")
    given = [part for setting in settings for part in ("-c", setting)]
    done = subprocess.run(["git", *given, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def commit(folder: Path, files: dict[str, str]) -> str:
    write(folder, files)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"project.yaml": SPEC, "people.csv": ROWS})
    monkeypatch.chdir(folder)
    return folder


def paths(found: Diff) -> list[tuple[str, str]]:
    return [(change.class_, change.path) for change in found.changes]


def refused(*arguments: str | None, **options: object) -> str:
    with pytest.raises(SpecError) as error:
        api.diff(*arguments, **options)  # type: ignore[arg-type]
    return render(error.value.diagnostics, error.value.texts)


LOWER = ("at_least: 0.8", "at_least: 0.7")
LOOSER = [("loosened", "constraints.quality[roc_auc].at_least")]


def test_by_default_the_last_commit_and_what_is_here(project: Path) -> None:
    assert api.diff().changes == ()
    write(project, {"project.yaml": SPEC.replace(*LOWER)})
    found = api.diff()
    assert paths(found) == LOOSER
    assert (found.base.label, found.head.label) == ("HEAD", "working tree")
    (change,) = found.changes
    assert change.base is not None
    assert change.head is not None
    assert (change.base.file, change.base.line, change.head.line) == ("project.yaml", 4, 4)


def test_revisions_paths_and_both_together(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    commit(project, {"project.yaml": SPEC.replace(*LOWER)})
    write(project, {"old.yaml": SPEC, "project.yaml": SPEC.replace("drop: [weight]", "drop: []")})
    assert paths(api.diff(first, "HEAD")) == LOOSER
    assert paths(api.diff("HEAD~1", "main")) == LOOSER
    assert paths(api.diff(f"{first}..HEAD")) == LOOSER
    assert paths(api.diff("HEAD~1:project.yaml", "main:./project.yaml")) == LOOSER
    assert paths(api.diff("old.yaml", "HEAD")) == LOOSER
    assert paths(api.diff("HEAD~1")) == [("contract", "data.columns.drop")]
    assert paths(api.diff("old.yaml", "project.yaml")) == [("contract", "data.columns.drop")]


def test_three_dots_begin_where_a_branch_left(project: Path) -> None:
    git(project, "switch", "-q", "-c", "branch")
    commit(project, {"project.yaml": SPEC.replace(*LOWER)})
    git(project, "switch", "-q", "main")
    commit(project, {"project.yaml": SPEC.replace("drop: [weight]", "drop: []")})
    git(project, "switch", "-q", "branch")
    assert len(api.diff("main").changes) == 2
    assert paths(api.diff("main...")) == LOOSER
    assert paths(api.diff("main...branch")) == LOOSER


def test_a_spec_in_a_subfolder_and_one_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(project, {"a b/ü/project.yaml": SPEC, "a b/ü/people.csv": ROWS})
    write(project, {"a b/ü/project.yaml": SPEC.replace(*LOWER)})
    assert paths(api.diff("a b/ü")) == LOOSER
    assert paths(api.diff("HEAD", spec="a b/ü/project.yaml")) == LOOSER
    monkeypatch.chdir(project / "a b" / "ü")
    assert paths(api.diff("HEAD")) == LOOSER
    assert paths(api.diff("HEAD:a b/ü", "project.yaml")) == LOOSER


def test_data_is_read_as_it_was_in_the_commit(project: Path) -> None:
    write(project, {"people.csv": ROWS.replace("age,job", "age,work")})
    found = api.diff()
    assert paths(found) == [
        ("contract", "column job of the data"),
        ("contract", "column work of the data"),
        ("evaluation", "content of people.csv"),
    ]
    assert found.impact.unknown is None
    assert len(found.impact.invalidated) == found.impact.total


def test_data_that_is_not_in_git_is_taken_as_it_lies_here(project: Path) -> None:
    git(project, "rm", "-q", "--cached", "people.csv")
    git(project, "commit", "-q", "-m", "data elsewhere")
    write(project, {"project.yaml": SPEC.replace(*LOWER)})
    found = api.diff()
    assert [one.step for one in found.impact.invalidated] == ["gate.quality.roc_auc"]
    assert found.notes == ("'people.csv' is not in git: what lies here is taken for both sides",)


LOCK = """{"version": 1, "mlspec": "0.1.0", "sources": {"people": {"files": {"people.csv": "%s"},
"columns": {"age": "integer", "job": "category", "income": "category"}}}, "steps": {
"gate.quality.roc_auc": {"fingerprint": "a", "seconds": 2.0}, "train.one": {"fingerprint": "b", "seconds": 60.0}}}"""


def test_without_data_the_lock_tells_its_columns(project: Path) -> None:
    git(project, "rm", "-q", "people.csv")
    commit(project, {"mlspec.lock": LOCK % "1"})
    write(project, {"project.yaml": SPEC.replace(*LOWER)})
    found = api.diff()
    assert found.impact.unknown is None
    assert [one.step for one in found.impact.invalidated] == ["gate.quality.roc_auc"]
    assert (found.impact.seconds_from, found.impact.seconds_to) == (2.0, 2.0)
    write(project, {"project.yaml": SPEC.replace("drop: [weight]", "drop: []")})
    assert api.diff().impact.unknown == "the data is not here, and no mlspec.lock knows the type of column 'weight'"
    write(project, {"project.yaml": SPEC, "mlspec.lock": LOCK % "2"})
    assert ("evaluation", "content of people.csv") in paths(api.diff())


def test_without_data_and_lock_the_impact_is_unknown_not_guessed(project: Path) -> None:
    git(project, "rm", "-q", "people.csv")
    commit(project, {})
    write(project, {"project.yaml": SPEC.replace(*LOWER)})
    found = api.diff()
    assert paths(found) == LOOSER
    assert found.impact.unknown == (
        "the data of source 'people' is neither in git nor here, and no mlspec.lock knows its columns"
    )
    assert found.changes[0].steps is None


def test_own_code_is_compared_as_it_was(project: Path) -> None:
    text = SPEC.replace("{type: logistic_regression}", '{type: python, code: "own:Net"}')
    commit(project, {"project.yaml": text, "own.py": "import helper\nclass Net: pass\n", "helper.py": "A = 1\n"})
    assert api.diff().changes == ()
    write(project, {"helper.py": "A = 2\n"})
    found = api.diff()
    assert [(change.class_, change.path, change.new) for change in found.changes] == [
        ("result", "code of own:Net", "helper.py")
    ]
    assert "train.one" in {one.step for one in found.impact.invalidated}


def test_own_code_is_compared_with_the_packages_that_it_imports(project: Path) -> None:
    text = SPEC.replace("{type: logistic_regression}", '{type: python, code: "own.nets:Net"}')
    files = {
        "own/__init__.py": "", "own/nets.py": "from . import more\nfrom helpers.deep import a\nclass Net: pass\n",
        "own/more.py": "import os, other.x\n", "helpers/__init__.py": "", "helpers/deep/__init__.py": "a = 1\n",
        "other/x.py": "A = 1\n", "unrelated.py": "B = 1\n",
    }  # fmt: skip
    commit(project, {"project.yaml": text, **files})
    assert api.diff().changes == ()
    for name in ("own/more.py", "helpers/deep/__init__.py", "other/x.py"):
        write(project, {name: files[name] + "C = 2\n"})
        assert [(change.path, change.new) for change in api.diff().changes] == [("code of own.nets:Net", name)]
        write(project, {name: files[name]})
    write(project, {"unrelated.py": "C = 2\n"})
    assert api.diff().changes == ()


def lfs_pointer(text: str) -> str:
    data = text.encode()
    oid = hashlib.sha256(data).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_checkout_changes_in_a_file_is_no_change(project: Path, kind: str) -> None:
    """Line ends, and the data that a pointer of Git LFS stands for: a filter would have to run to see it otherwise."""
    path = "people.csv" if kind == "file" else "data/people.csv"
    text = SPEC
    if kind == "folder":
        git(project, "rm", "-q", "people.csv")
        text = SPEC.replace("people.csv", "data").replace("{path: data}", "{format: csv, path: data}")
    own = text.replace("{type: logistic_regression}", '{type: python, code: "own:Net"}')
    commit(project, {"project.yaml": own, path: ROWS, "own.py": "A = 1\nclass Net: pass\n"})
    for name in ("project.yaml", path, "own.py"):
        (project / name).write_bytes((project / name).read_bytes().replace(b"\n", b"\r\n"))
    assert api.diff().changes == ()
    (project / path).write_bytes(ROWS.replace("high", "low", 1).replace("\n", "\r\n").encode())
    assert len(api.diff().changes) == 1
    commit(project, {"project.yaml": own, path: lfs_pointer(ROWS), "own.py": "A = 1\nclass Net: pass\n"})
    write(project, {path: ROWS})
    assert api.diff().changes == ()
    write(project, {path: ROWS.replace("high", "low", 1)})
    assert [change.path for change in api.diff().changes] == [f"content of {'data' if kind == 'folder' else path}"]


def test_files_of_a_folder_that_no_source_reads_do_not_count(project: Path) -> None:
    text = SPEC.replace("{path: people.csv}", "{format: csv, path: data}")
    commit(project, {"project.yaml": text, "data/a.csv": ROWS, "data/.hidden": "1", "data/_deep/x": "1"})
    write(project, {"data/.hidden": "2", "data/_deep/x": "2"})
    (project / "data/link.csv").symlink_to("a.csv")
    assert api.diff().changes == ()
    write(project, {"data/b.csv": ROWS})
    assert [change.path for change in api.diff().changes] == ["content of data"]


def test_work_trees_submodules_and_shallow_clones(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "branch")
    git(tmp_path, "-c", "protocol.file.allow=always", "clone", "-q", "--depth", "1", project.as_uri(), "shallow")
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(project), "inner")
    commit(outer, {})
    for folder in (tmp_path / "tree", tmp_path / "shallow", outer / "inner"):
        monkeypatch.chdir(folder)
        write(folder, {"project.yaml": SPEC.replace(*LOWER)})
        assert paths(api.diff()) == LOOSER
        write(folder, {"people.csv": ROWS.replace("high", "low", 1)})
        assert paths(api.diff()) == [*LOOSER, ("evaluation", "content of people.csv")]


def test_a_repository_of_sha256(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256")
    text = SPEC.replace("{type: logistic_regression}", '{type: python, code: "own:Net"}')
    commit(tmp_path, {"project.yaml": text, "people.csv": ROWS, "own.py": "class Net: pass\n"})
    monkeypatch.chdir(tmp_path)
    assert api.diff().changes == ()
    assert api.diff("main...").changes == ()
    write(tmp_path, {"project.yaml": text.replace(*LOWER), "people.csv": ROWS + "30,a,1,low\n"})
    assert paths(api.diff()) == [*LOOSER, ("evaluation", "content of people.csv")]


def test_the_files_that_steps_read_are_those_of_the_compiler(project: Path) -> None:
    from mlspec.diff import impact
    from mlspec.diff.surroundings import surroundings
    from mlspec.diff.version import versions

    text = SPEC.replace("{type: logistic_regression}", '{type: python, code: "own:Net"}')
    text += "evaluation: {baselines: [majority, previous]}\n"
    commit(project, {"project.yaml": text, "own.py": "import helper\nclass Net: pass\n", "helper.py": "A = 1\n"})
    compiled = api.compile("project.yaml")
    checked = compiled.checked
    one, _ = versions("project.yaml", "project.yaml", None)
    beside, _ = surroundings(one, checked.project, checked.document, one, checked.project, checked.document)
    ours = impact.compiled(checked.project, checked.facts, beside).graph.steps
    wanted = {step_id: sorted(step.files) for step_id, step in compiled.plan.graph.steps.items()}
    assert {step_id: sorted(step.files) for step_id, step in ours.items()} == wanted
    assert sum(map(len, wanted.values())) >= 4


@pytest.mark.parametrize(
    "name", ["-x", "--output=stolen", "no-such-branch", "HEAD:nothing.yaml", "", "a\nb", "HEAD^{tree}"]
)
def test_what_names_nothing_is_refused(project: Path, name: str) -> None:
    assert "error[" in refused(name, "HEAD")
    assert sorted(path.name for path in project.iterdir()) == [".git", "people.csv", "project.yaml"]


def test_what_is_refused_says_the_way_out(project: Path) -> None:
    assert refused("v1") == (
        "error[unknown-revision]: git knows no commit 'v1'\n"
        "  = git branch --all lists branches\n"
        "  = see: mlspec explain unknown-revision\n"
        "\n1 error\n"
    )


def test_a_link_in_a_commit_is_not_followed(project: Path) -> None:
    (project / "linked.yaml").symlink_to("/etc/hostname")
    git(project, "add", "linked.yaml")
    git(project, "commit", "-q", "-m", "a link")
    assert "there is no 'linked.yaml' in HEAD" in refused("HEAD:linked.yaml", "HEAD")


def test_mistakes_are_reported_in_the_version_that_has_them(project: Path) -> None:
    commit(project, {"project.yaml": SPEC.replace("roc_auc,", "roc_acu,").replace("quality:", "qality:")})
    write(project, {"project.yaml": SPEC})
    assert "HEAD:project.yaml:3:3" in refused()
    write(project, {"project.yaml": SPEC.replace("income", "incme")})
    git(project, "checkout", "-q", "HEAD~1", "--", "people.csv")
    text = refused("HEAD~1")
    assert "error[unknown-column]" in text
    assert "--> project.yaml:7:21" in text


def test_a_base_that_breaks_a_rule_can_be_repaired(project: Path) -> None:
    commit(project, {"project.yaml": SPEC.replace("target: income", "target: incme")})
    write(project, {"project.yaml": SPEC})
    found = api.diff()
    assert ("contract", "data.columns.target") in paths(found)
    assert found.impact.unknown == "the base is not valid: source 'people' has no column 'incme'"


def test_outside_a_repository_two_files_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write(tmp_path, {"project.yaml": SPEC, "new.yaml": SPEC.replace(*LOWER), "people.csv": ROWS})
    assert paths(api.diff("project.yaml", "new.yaml")) == LOOSER
    assert "this is no git repository" in refused("HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert paths(api.diff("project.yaml", "new.yaml")) == LOOSER


def test_without_git_two_files_are_compared(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, {"new.yaml": SPEC.replace(*LOWER)})
    monkeypatch.setenv("PATH", str(project))
    assert paths(api.diff("project.yaml", "new.yaml")) == LOOSER
    assert "git is not installed" in refused("HEAD")


def test_nothing_is_written_and_no_program_of_the_repository_starts(project: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    commit(project, {".gitattributes": "*.yaml diff=evil filter=evil\n*.csv diff=evil\n"})
    programs = ("core.fsmonitor", "diff.evil.textconv", "diff.evil.command", "diff.external", "core.pager")
    for key in programs:
        git(project, "config", key, str(trap))
    write(project, {"project.yaml": SPEC.replace(*LOWER)})
    os.utime(project / "people.csv", (1, 1))
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    assert paths(api.diff("HEAD")) == LOOSER
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before
    assert not (tmp_path / "sprung").exists()


def test_a_clone_without_the_commit_says_how_to_get_it(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(project, {"project.yaml": SPEC.replace(*LOWER)})
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", project.as_uri(), str(shallow))
    monkeypatch.chdir(shallow)
    assert "fetch-depth: 0" in refused("HEAD~1")


def test_the_command_and_its_exit_codes(project: Path) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run([MLSPEC, "diff", *arguments], cwd=project, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert run("--exit-code")[0] == 0
    write(project, {"project.yaml": SPEC.replace(*LOWER)})
    assert run()[0] == 0
    assert run("--exit-code")[0] == 1
    assert run("--fail-on", "exposure,contract")[0] == 0
    assert run("--fail-on", "loosened")[0] == 1
    assert run("--fail-on", "warning")[0] == 1
    assert run("--fail-on", "any", "--allow", "loosened=agreed with risk")[0] == 0
    code, out, err = run("--fail-on", "loosend")
    assert (code, out) == (2, "")
    assert "did you mean 'loosened'?" in err
    assert run("--allow", "loosened")[0] == 2
    assert run("no-such-thing")[0] == 2
    code, out, _ = run("--format", "json", "--fail-on", "loosened")
    found = msgspec.json.decode(out, type=Diff)
    assert code == 1
    assert found.failing == (found.changes[0].id,)
    git(project, "commit", "-q", "-a", "-m", "done")
    write(project, {"project.yaml": SPEC.replace("quality", "qality")})
    code, out, err = run("--exit-code")
    assert (code, out) == (2, "")
    assert "error[unknown-key]" in err
