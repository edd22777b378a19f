"""Data behind a pointer of DVC or Git LFS: a changed pointer is a change of data, whether or not the data is here."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from mlspec import api
from mlspec.diff.change import Diff

SPEC = """\
project: {name: small, task: binary_classification}
data:
  sources: {people: {path: data/people.csv}}
  columns: {target: income}
model:
  candidates: {one: {type: logistic_regression}}
"""
ROWS = "age,job,income\n" + "".join(f"{20 + i},{'abc'[i % 3]},{'hl'[i % 2]}\n" for i in range(9))
OTHER = ROWS + "40,a,h\n"
COLUMNS = '{"age": "integer", "job": "category", "income": "category"}'
LOCK = f'{{"version": 1, "sources": {{"people": {{"files": {{"data/people.csv": "1"}}, "columns": {COLUMNS}}}}}}}'
CHANGED = [("evaluation", "content of data/people.csv")]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def dvc_file(text: str) -> str:
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return f"outs:\n- md5: {digest}\n  size: {len(text.encode())}\n  hash: md5\n  path: people.csv\n"


def dvc_folder(digest: str) -> str:
    return f"outs:\n- md5: {digest}.dir\n  nfiles: 1\n  hash: md5\n  path: data\n"


def dvc_lock(digest: str, part: str = "outs") -> str:
    entry = f"    {part}:\n    - {{path: ml/data/people.csv, hash: md5, md5: {digest}, size: 9}}\n"
    return f"schema: '2.0'\nstages:\n  load:\n    cmd: x\n{entry}"


def lfs(text: str) -> str:
    oid = hashlib.sha256(text.encode()).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(text.encode())}\n"


@pytest.fixture(name="project")
def project_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ml/data").mkdir(parents=True)
    write(tmp_path, {"ml/project.yaml": SPEC, "ml/mlspec.lock": LOCK, ".gitignore": "*.csv\n"})
    return tmp_path


def write(folder: Path, files: dict[str, str | None]) -> None:
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).write_text(text)


def commit(project: Path, files: dict[str, str | None]) -> None:
    write(project, files)
    git(project, "add", "-A", "-f")
    git(project, "commit", "-q", "-m", "one")


def diff(*revisions: str) -> Diff:
    found = api.diff(*revisions, spec="ml")
    assert found.impact.unknown is None
    return found


def paths(found: Diff) -> list[tuple[str, str]]:
    return [(change.class_, change.path) for change in found.changes]


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("ml/data/people.csv.dvc", dvc_file(ROWS), dvc_file(OTHER)),
        ("ml/data.dvc", dvc_folder("a1"), dvc_folder("b2")),
        ("dvc.lock", dvc_lock("a1"), dvc_lock("b2")),
        ("dvc.lock", dvc_lock("a1", "deps"), dvc_lock("b2", "deps")),
        ("ml/data/people.csv", lfs(ROWS), lfs(OTHER)),
    ],
)
def test_a_changed_pointer_is_a_change_of_data_that_is_not_here(project: Path, name: str, was: str, now: str) -> None:
    commit(project, {name: was})
    assert paths(diff()) == []
    write(project, {name: now})
    found = diff()
    assert paths(found) == CHANGED
    assert "source.people" in {one.step for one in found.impact.invalidated}
    commit(project, {})
    assert paths(diff("HEAD~1", "HEAD")) == CHANGED
    assert paths(diff("HEAD", "HEAD")) == []


def test_data_here_is_held_against_its_pointer(project: Path) -> None:
    pointer = "ml/data/people.csv.dvc"
    commit(project, {pointer: dvc_file(ROWS)})
    write(project, {"ml/data/people.csv": ROWS})
    assert (paths(diff()), diff().notes) == ([], ())
    write(project, {"ml/data/people.csv": OTHER})
    found = diff()
    assert paths(found) == CHANGED
    assert found.notes == (
        "the columns of 'data/people.csv' are those of the data here, for both sides",
        "'data/people.csv' is not the data that data/people.csv.dvc names: dvc add data/people.csv, or dvc checkout",
    )
    write(project, {pointer: dvc_file(OTHER)})
    assert paths(diff()) == CHANGED
    assert len(diff().notes) == 1


@pytest.mark.parametrize("name", ["ml/data/people.csv.dvc", "ml/data/people.csv"])
def test_data_that_moves_behind_a_pointer_is_the_same_data(project: Path, name: str) -> None:
    commit(project, {"ml/data/people.csv": ROWS})
    if name.endswith(".dvc"):
        git(project, "rm", "-q", "ml/data/people.csv")
        (project / "ml/data").mkdir(exist_ok=True)
    commit(project, {name: dvc_file(ROWS) if name.endswith(".dvc") else lfs(ROWS)})
    assert paths(diff("HEAD~1", "HEAD")) == []
    commit(project, {name: dvc_file(OTHER) if name.endswith(".dvc") else lfs(OTHER)})
    assert paths(diff("HEAD~2", "HEAD")) == CHANGED


@pytest.mark.parametrize(
    "text",
    ["", "[", "outs: 5", "outs: [[]]", "outs: [{path: [], md5: 1}]", "a: &a [x]\nb: *a\nouts: {<<: *a}", "x" * 9000,
     "outs: [{md5: !!python/object:os.system x, path: people.csv}]", "outs: [{path: ../../../etc/passwd, md5: 1}]"],
)  # fmt: skip
def test_a_pointer_that_cannot_be_read_is_none(project: Path, text: str) -> None:
    commit(project, {"ml/data/people.csv.dvc": text})
    write(project, {"ml/data/people.csv.dvc": text + "\n"})
    assert paths(diff()) == []
