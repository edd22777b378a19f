"""What a pull request can put into a repository against ``diff`` and ``merge``: no program starts, nothing is written
elsewhere, and no base is read but that of the commit that is compared with."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zlib
from pathlib import Path

import pytest
from tests import hardware

BIN = Path(sysconfig.get_path("scripts"))
STRACE = shutil.which("strace")
GIT = shutil.which("git") or "git"
COMMAND = (sys.executable, "-P", "-c", "import sys; from mlspec.cli import main; sys.exit(main())")
LONG = 60  # seconds: a limit against hanging, no measure
SPEC = """\
project: {name: small, task: binary_classification}
constraints:
  quality:
    - {metric: roc_auc, at_least: 0.8}
data:
  sources: {people: {path: people.csv}}
  columns: {target: income}
model:
  candidates: {one: {type: logistic_regression}}
"""
LOOSE = SPEC.replace("0.8", "0.1")
OWN_CODE = SPEC.replace("{type: logistic_regression}", '{type: python, code: "own:Net"}')
ROWS = "age,job,income\n" + "".join(f"{20 + i},{'abc'[i % 3]},{'high' if i % 2 else 'low'}\n" for i in range(9))
GATE = ("--fail-on", "exposure,contract,removed,loosened")
LOOSENED = "constraints.quality[roc_auc].at_least  0.8 -> 0.1"
FUTURE = 4_000_000_000  # a file that is newer than its index: git has to look at its content


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    settings = ("user.name=t", "user.email=t@localhost", "commit.gpgsign=false", "core.autocrlf=false", "gc.auto=0")
    given = [part for setting in (*settings, "protocol.file.allow=always") for part in ("-c", setting)]
    done = subprocess.run([GIT, *given, *arguments], cwd=folder, capture_output=True, input=stdin, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def commit(folder: Path, files: dict[str, str]) -> str:
    write(folder, files)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


def mlspec(folder: Path, *arguments: str | Path, **environment: str) -> tuple[int, str]:
    """The exit code and all that is printed. It runs in a process of its own, as in CI."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=LONG,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    return done.returncode, (done.stdout + done.stderr).decode()


def refusal(code: str, message: str, *notes: str, place: str = "") -> str:
    where = f" --> {place}:1:1\n  |\n1 |\n  | ^\n" if place else ""
    told = "".join(f"  = {note}\n" for note in (*notes, f"see: mlspec explain {code}"))
    return f"error[{code}]: {message}\n{where}{told}\n1 error\n"


@pytest.fixture(name="repository")
def repository_fixture(tmp_path: Path) -> Path:
    """A repository on main, with one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"specs/a/project.yaml": SPEC, "specs/a/people.csv": ROWS})
    return folder


@pytest.fixture(name="trap")
def trap_fixture(tmp_path: Path) -> Path:
    """A program that leaves a file ``sprung`` beside itself."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    return trap


def sprung(trap: Path) -> bool:
    return (trap.parent / "sprung").exists()


def embed(repository: Path, tmp_path: Path, trap: Path) -> str:
    """Commit a bare repository into the spec's folder, which says that the commit now checked out holds another spec,
    and that its files go through a filter. Returns that commit."""
    base = git(repository, "rev-parse", "HEAD")
    inner, outer = tmp_path / "inner", repository / "specs/a"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    git(inner, "config", "core.checkStat", "minimal")
    write(inner, {"project.yaml": LOOSE, "people.csv": ROWS})
    os.utime(inner / "people.csv", (FUTURE, FUTURE))
    other = commit(inner, {})
    git(inner, "fetch", "-q", str(repository), "main")
    git(inner, "replace", "-f", base, other)
    for name in ("HEAD", "objects", "refs", "index"):
        copy = shutil.copytree if (inner / ".git" / name).is_dir() else shutil.copy
        copy(inner / ".git" / name, outer / name)
    settings = "[core]\n\tworktree = .\n\tcheckStat = minimal\n\ttrustctime = false\n\trepositoryformatversion = 0\n"
    write(outer, {"config": f'{settings}[filter "x"]\n\tclean = {trap}\n', ".gitattributes": "*.csv filter=x\n"})
    write(outer, {"refs/keep": ""})
    return base


def clone(repository: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", str(repository), "clone")
    os.utime(tmp_path / "clone/specs/a/people.csv", (FUTURE, FUTURE))
    return tmp_path / "clone"


def test_a_bare_repository_in_the_specs_folder_is_a_folder(repository: Path, tmp_path: Path, trap: Path) -> None:
    base = embed(repository, tmp_path, trap)
    commit(repository, {"specs/a/project.yaml": LOOSE})
    code, told = mlspec(clone(repository, tmp_path), "diff", base, "--spec", "specs/a/project.yaml", *GATE)
    assert LOOSENED in told
    assert code == 1
    assert not sprung(trap)


def test_in_the_folder_of_a_bare_repository_too(repository: Path, tmp_path: Path, trap: Path) -> None:
    embed(repository, tmp_path, trap)
    commit(repository, {"specs/a/project.yaml": LOOSE})
    code, told = mlspec(clone(repository, tmp_path) / "specs/a", "diff", "HEAD~1", *GATE)
    assert (code, LOOSENED in told, sprung(trap)) == (1, True, False)


@pytest.mark.parametrize("kind", ["commit", "spec"])
def test_replace_refs_of_the_repository_itself_are_not_followed(repository: Path, kind: str) -> None:
    base = git(repository, "rev-parse", "HEAD")
    head = commit(repository, {"specs/a/project.yaml": LOOSE})
    path = ":specs/a/project.yaml" if kind == "spec" else ""
    git(repository, "replace", "-f", *(git(repository, "rev-parse", f"{one}{path}") for one in (base, head)))
    code, told = mlspec(repository / "specs/a", "diff", base, head, *GATE)
    assert (code, LOOSENED in told) == (1, True)


PROGRAMS = (
    *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.alternateRefsCommand"),
    *("diff.external", "diff.x.command", "diff.x.textconv", "filter.x.clean", "filter.x.smudge", "filter.x.process"),
    *("gpg.program", "credential.helper", "pager.cat-file", "alias.cat-file", "merge.x.driver"),
)


def set_all(repository: Path, trap: Path) -> None:
    """Name a program wherever git's settings can, as somebody's own settings may."""
    for name in PROGRAMS:
        git(repository, "config", name, f"!{trap}" if name.startswith("alias") else str(trap))
    for hook in ("post-index-change", "reference-transaction", "pre-auto-gc", "fsmonitor-watchman"):
        (repository / ".git/hooks").mkdir(exist_ok=True)
        shutil.copy(trap, repository / ".git/hooks" / hook)
    os.utime(repository / "specs/a/people.csv", (FUTURE, FUTURE))


def executed(log: Path) -> list[str]:
    """The programs that were started, by an output of strace."""
    lines = log.read_text(errors="replace").splitlines()
    return [line.split('"')[1] for line in lines if " execve(" in line and line.rstrip().endswith("= 0")]


@pytest.mark.skipif(STRACE is None, reason="no strace")
@pytest.mark.parametrize("arguments", [(), ("HEAD~1", "HEAD"), ("HEAD~1...",), ("HEAD~1:specs/a", "specs/a")])
def test_git_is_all_that_is_started(repository: Path, tmp_path: Path, trap: Path, arguments: tuple[str, ...]) -> None:
    attributes = "*.csv filter=x diff=x\n*.yaml filter=x diff=x merge=x\n"
    commit(repository, {"specs/a/.gitattributes": attributes})
    commit(repository, {"specs/a/project.yaml": LOOSE, "specs/a/people.csv": ROWS + "30,a,low\n"})
    write(repository, {"specs/a/project.yaml": SPEC.replace("0.8", "0.5")})
    set_all(repository, trap)
    before = {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")}
    spec = () if len(arguments) == 2 and ":" in arguments[0] else ("--spec", "specs/a")
    log = tmp_path / "log"
    done = subprocess.run(
        [str(STRACE), "-f", "-e", "trace=execve", "-o", str(log), *COMMAND, "diff", *arguments, *spec],
        cwd=repository, capture_output=True, text=True, check=False, timeout=LONG,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "constraints.quality[roc_auc].at_least" in done.stdout
    assert {Path(program).name for program in executed(log)[1:]} == {"git"}
    assert len(executed(log)) <= 3
    assert not sprung(trap)
    assert {path: path.stat().st_mtime_ns for path in (repository / ".git").rglob("*")} == before


def lose(repository: Path, name: str) -> None:
    """Remove an object."""
    path = repository / ".git/objects" / name[:2] / name[2:]
    path.chmod(0o600)
    path.unlink()


PARTIAL = "a partial clone lacks objects, and mlspec does not fetch: git fetch --refetch --no-filter"
DAMAGED = "if this is not a partial clone, the repository is damaged: git fsck"


@pytest.mark.parametrize("path", ["specs/a/project.yaml", "specs/a", "specs/a/people.csv", "specs/a/own.py", ""])
def test_an_object_that_is_missing_is_no_new_spec(repository: Path, path: str) -> None:
    commit(repository, {"specs/a/project.yaml": OWN_CODE, "specs/a/own.py": "class Net: pass\n"})
    commit(repository, {"specs/a/people.csv": ROWS + "30,a,low\n"})
    name = git(repository, "rev-parse", f"HEAD~1:{path}")
    lose(repository, name)
    inner = path if path in ("", "specs/a") else path.removeprefix("specs/a/")
    place = "specs/a/project.yaml" if inner in ("", "specs/a", "project.yaml") else inner
    expected = refusal("unreadable-commit", f"git has no object {name[:12]}", PARTIAL, DAMAGED, place=f"HEAD~1:{place}")
    assert mlspec(repository, "diff", "HEAD~1", "--spec", "specs/a/project.yaml", *GATE) == (2, expected)


@pytest.mark.parametrize("knows", [True, False], ids=["git knows GIT_NO_LAZY_FETCH", "it does not"])
def test_a_partial_clone_fetches_nothing(repository: Path, tmp_path: Path, trap: Path, knows: bool) -> None:
    name = git(repository, "rev-parse", "HEAD:specs/a/project.yaml")
    commit(repository, {"specs/a/project.yaml": LOOSE})
    whole = tmp_path / "whole"
    git(tmp_path, "clone", "-q", "--bare", str(repository), str(whole))
    lose(repository, name)
    settings = {
        "core.repositoryformatversion": "1", "extensions.partialClone": "origin", "remote.origin.promisor": "true",
        "remote.origin.url": str(whole), "remote.origin.uploadpack": f"{trap} </dev/null; git-upload-pack",
    }  # fmt: skip
    for setting, value in settings.items():
        git(repository, "config", setting, value)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(f'#!/bin/sh\nunset GIT_NO_LAZY_FETCH\nexec {GIT} "$@"\n')
    (tmp_path / "bin/git").chmod(0o755)
    path = os.environ["PATH"] if knows else f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"
    code, told = mlspec(repository / "specs/a", "diff", "HEAD~1", "HEAD", *GATE, PATH=path)
    assert code == 2
    assert "error[unreadable-commit]: git" in told
    assert f"  = {PARTIAL}\n" in told
    assert not sprung(trap)
    # The trap is a real one: git alone falls into it.
    git(repository, "cat-file", "-e", name)
    assert sprung(trap)


def stored(repository: Path, kind: str, data: bytes, name: str = "") -> str:
    """Write an object that git itself might refuse to write."""
    whole = b"%s %d\0" % (kind.encode(), len(data)) + data
    name = name or hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    path = repository / ".git/objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path.chmod(0o600)
    path.write_bytes(zlib.compress(whole))
    return name


def tree(repository: Path, entries: list[tuple[str, str, str]]) -> str:
    raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(own) for mode, name, own in entries)
    return stored(repository, "tree", raw)


def with_entries(repository: Path, extra: list[tuple[str, str, str]], *, below: str = "") -> str:
    """A commit with a spec with own code, and further entries beside it, or in the folder ``below``."""
    files = {"people.csv": ROWS, "project.yaml": OWN_CODE.replace("name: small", "name: other")}
    if not below:
        files["own.py"] = "class Net: pass\n"
    entries = [("100644", name, stored(repository, "blob", text.encode())) for name, text in files.items()]
    entries += [("40000", below, tree(repository, extra))] if below else extra
    return git(
        repository, "commit-tree", tree(repository, sorted(entries, key=lambda e: e[1])), "-p", "HEAD", "-m", "x"
    )


@pytest.fixture(name="coded")
def coded_fixture(tmp_path: Path) -> Path:
    """A repository whose spec, at its root, has code of its own."""
    folder = tmp_path / "coded"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"project.yaml": OWN_CODE, "people.csv": ROWS, "own.py": "class Net: pass\n"})
    return folder


NAMES = {
    "absolute": "{tmp}/stolen.py", "above": "../stolen.py", "parent": "..", "itself": ".", "none": "", "git": ".git",
    "GIT": ".GIT", "slash": "own/x.py", "drive": "C:x.py",
}  # fmt: skip


@pytest.mark.parametrize("below", ["", "own"], ids=["beside the spec", "in a package"])
@pytest.mark.parametrize("kind", NAMES)
def test_names_that_lead_elsewhere(coded: Path, tmp_path: Path, kind: str, below: str) -> None:
    name = NAMES[kind].format(tmp=tmp_path)
    code = stored(coded, "blob", b"import os\n")
    extra = [("100644", "__init__.py", code)] if below else []
    head = with_entries(coded, [*extra, ("100644", name, code)], below=below)
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)
    place = f"{head[:12]}:{'own' if below else 'project.yaml'}"
    message, note = f"the commit holds a file named '{name}'", "it cannot be checked out: git fsck"
    expected = refusal("unreadable-commit", message, note, place=place)
    assert mlspec(coded, "diff", "main", head) == (2, expected)
    assert sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts) == before


def test_two_files_of_one_name(coded: Path) -> None:
    one, other = (stored(coded, "blob", text.encode()) for text in (OWN_CODE, LOOSE))
    head = git(coded, "commit-tree", "-m", "x", tree(coded, [("100644", "project.yaml", own) for own in (one, other)]))
    message, note = "the commit holds two files named 'project.yaml'", "it cannot be checked out: git fsck"
    expected = refusal("unreadable-commit", message, note, place=f"{head[:12]}:project.yaml")
    assert mlspec(coded, "diff", "main", head) == (2, expected)


@pytest.mark.parametrize("name", ["back\\slash.py", "x" * 300 + ".py"])
def test_names_that_can_be_no_file_here(coded: Path, name: str) -> None:
    code = stored(coded, "blob", b"import os\n")
    head = with_entries(coded, [("100644", "__init__.py", code), ("100644", name, code)], below="own")
    place = f"{head[:12]}:own/{name}"
    expected = refusal("unreadable-commit", "no file can have this name here", "rename it", place=place)
    assert mlspec(coded, "diff", "main", head) == (2, expected)


def test_a_tree_of_trees_has_an_end(coded: Path) -> None:
    code = stored(coded, "blob", b"\n")
    inner = tree(coded, [("100644", f"f{i:02}.py", code) for i in range(64)])
    for _ in range(8):
        inner = tree(coded, [("40000", f"d{i:02}", inner) for i in range(64)])
    head = with_entries(coded, [("40000", "d", inner)], below="own")
    message = "the folder has more than 200,000 files and folders"
    assert mlspec(coded, "diff", "main", head) == (2, refusal("unreadable-commit", message, place=f"{head[:12]}:own"))


def test_folders_in_folders_have_an_end(coded: Path) -> None:
    inner = tree(coded, [("100644", "x.py", stored(coded, "blob", b"\n"))])
    for _ in range(300):
        inner = tree(coded, [("40000", "d", inner)])
    head = with_entries(coded, [("40000", "d", inner)], below="own")
    message = "the folder has more than 64 levels"
    assert mlspec(coded, "diff", "main", head) == (2, refusal("unreadable-commit", message, place=f"{head[:12]}:own"))


def test_what_is_read_of_a_repository_has_an_end(coded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlspec import api
    from mlspec.diagnostics import SpecError
    from mlspec.machine import git as machine

    write(coded, {"people.csv": ROWS + "30,a,low\n"})
    monkeypatch.chdir(coded)
    monkeypatch.setattr(machine, "TOTAL", 600)
    with pytest.raises(SpecError, match="of this repository would have to be read"):
        api.diff()


def test_an_object_with_other_content_than_its_name_says(repository: Path) -> None:
    name = git(repository, "rev-parse", "HEAD:specs/a/project.yaml")
    commit(repository, {"specs/a/project.yaml": LOOSE})
    stored(repository, "blob", LOOSE.encode(), name)
    code, told = mlspec(repository / "specs/a", "diff", "HEAD~1", *GATE)
    assert code == 2
    assert told.startswith("error[unreadable-commit]: ")


SHA = "SHA"


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("HEAD", ()),
        ("HEAD", ("HEAD",)),
        (SHA, (SHA,)),
        (f"{SHA}...", (f"{SHA}...",)),
        ("main", ("main",)),
        ("main/project.yaml", ("main",)),
        ("main..", ("main..",)),
        ("main..branch", ("main..branch",)),
        ("main:project.yaml", ("main:project.yaml", "project.yaml")),
    ],
)
def test_a_file_is_not_taken_for_the_revision_that_it_is_called_like(
    coded: Path, file: str, arguments: tuple[str, ...]
) -> None:
    base = git(coded, "rev-parse", "HEAD")
    git(coded, "switch", "-q", "-c", "branch")
    loose = OWN_CODE.replace("0.8", "0.1")
    write(coded, {file.replace(SHA, base): loose, "project.yaml": loose})
    code, told = mlspec(coded, "diff", *(one.replace(SHA, base) for one in arguments), *GATE)
    if not arguments:
        git(coded, "stash", "-q")
        assert (code, LOOSENED in told) == (1, True)
    else:
        name = arguments[0].replace(SHA, base)
        start = re.split(r"\.\.|:", name)[0]
        notes = (f"the file: ./{name}", f"the revision: {start}^0{name.removeprefix(start)}")
        assert (code, told) == (2, refusal("unknown-revision", f"'{name}' is both a file and a revision", *notes))


def test_what_merge_base_finds_is_a_commit_whatever_files_there_are(coded: Path) -> None:
    base = git(coded, "rev-parse", "HEAD")
    loose = OWN_CODE.replace("0.8", "0.1")
    commit(coded, {base: loose, "HEAD": loose, "project.yaml": loose})
    git(coded, "branch", "start", base)
    code, told = mlspec(coded, "diff", "start...", *GATE)
    assert (code, LOOSENED in told) == (1, True)


def test_a_link_in_place_of_the_specs_folder_does_not_make_the_spec_new(repository: Path) -> None:
    git(repository, "mv", "specs/a", "specs/b")
    (repository / "specs/a").symlink_to("b")
    commit(repository, {"specs/b/project.yaml": LOOSE})
    code, told = mlspec(repository, "diff", "HEAD~1", "--spec", "specs/a/project.yaml", *GATE)
    assert (code, LOOSENED in told) == (1, True)


def test_a_repository_in_place_of_the_specs_folder_does_not_make_the_spec_new(repository: Path, tmp_path: Path) -> None:
    base = git(repository, "rev-parse", "HEAD")
    inner = tmp_path / "inner"
    git(tmp_path, "clone", "-q", str(repository), "inner")
    commit(inner, {"project.yaml": LOOSE, "people.csv": ROWS})
    git(repository, "rm", "-q", "-r", "specs/a")
    git(repository, "-c", "advice.addEmbeddedRepo=false", "submodule", "--quiet", "add", str(inner), "specs/a")
    commit(repository, {})
    code, told = mlspec(repository, "diff", base, "--spec", "specs/a/project.yaml", *GATE)
    assert (code, LOOSENED in told) == (1, True)
    code, told = mlspec(repository, "diff", "HEAD", "--spec", "specs/a/project.yaml", *GATE)
    elsewhere = "there is no 'specs/a/project.yaml' in HEAD: it is in another repository, start mlspec there"
    assert (code, told) == (2, refusal("spec-not-found", elsewhere, "git log --follow shows former names"))
    write(repository, {"specs/a/project.yaml": LOOSE.replace("0.1", "0.05")})
    code, told = mlspec(repository / "specs/a", "diff", "HEAD", *GATE)
    assert (code, "0.1 -> 0.05" in told) == (1, True)


def test_a_base_whose_spec_is_a_link_is_no_new_spec(repository: Path) -> None:
    (repository / "project.yaml").symlink_to("specs/a/project.yaml")
    commit(repository, {"people.csv": ROWS})
    (repository / "project.yaml").unlink()
    write(repository, {"project.yaml": LOOSE})
    why = "there is no 'project.yaml' in HEAD: it is a link, or in a folder that is one"
    expected = refusal("spec-not-found", why, "git log --follow shows former names")
    assert mlspec(repository, "diff", *GATE) == (2, expected)


@pytest.mark.parametrize("target", ["/proc/self/environ", "/etc/passwd", "../secret", ".git/config", ".mlspec/secret"])
def test_a_spec_that_is_a_link_to_what_is_not_in_the_commit(coded: Path, target: str) -> None:
    write(coded, {"../secret": "hidden: value", ".mlspec/secret": "hidden: value"})
    (coded / "project.yaml").unlink()
    (coded / "project.yaml").symlink_to(target)
    why = "project.yaml can't be read: it is a link that leads out of the work tree"
    assert mlspec(coded, "diff", *GATE) == (2, refusal("spec-not-found", why))


def test_a_module_and_data_that_are_links_to_elsewhere(coded: Path, tmp_path: Path) -> None:
    write(tmp_path, {"secret.py": "class Net: pass\n", "secret.csv": ROWS.replace("age", "secret")})
    for name in ("own.py", "people.csv"):
        (coded / name).unlink()
        (coded / name).symlink_to(tmp_path / f"secret{Path(name).suffix}")
    blob = git(coded, "hash-object", str(tmp_path / "secret.csv"))
    _, told = mlspec(coded, "diff", "--format", "json")
    assert blob[:7] not in told


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/full", "/proc/kmsg", "pipe", "pipe.yaml", "folder"])
def test_a_spec_that_is_no_regular_file(coded: Path, name: str) -> None:
    (coded / "folder").mkdir()
    for pipe in ("pipe", "pipe.yaml", "folder/project.yaml"):
        os.mkfifo(coded / pipe)
    shown = "folder/project.yaml" if name == "folder" else name
    expected = refusal("spec-not-found", f"{shown} can't be read: not a regular file")
    assert mlspec(coded, "diff", name, "project.yaml") == (2, expected)
    if name != "pipe":
        return
    for arguments in (
        ("diff", "project.yaml", name),
        ("diff", "--spec", name),
        ("diff", "--textconv", name),
        ("merge", name, "own.py", "own.py"),
        ("merge", "own.py", name, "own.py"),
        ("merge", "own.py", "own.py", name),
    ):
        assert mlspec(coded, *arguments) == (2, expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (":project.yaml", "no revision is named"),
        (":/one", "no revision is named"),
        ("HEAD:../x", "there is no '../x' in HEAD"),
        ("HEAD:/etc/passwd", "there is no '/etc/passwd' in HEAD"),
        ("HEAD:../../../../etc/passwd", "there is no "),
        ("HEAD:.git/config", "there is no '.git/config' in HEAD"),
        ("HEAD:a//b", "there is no 'a//b' in HEAD"),
        ("^HEAD", "git knows no commit '^HEAD'"),
        ("HEAD^@", "git knows no commit 'HEAD^@'"),
        ("--output=stolen", "'--output=stolen' is no revision"),
        ("", "no revision is named"),
        ("HEAD\nHEAD", "is no revision"),
        ("HEAD\x1b[31m", "is no revision"),
        ("HEAD\u202e", "is no revision"),
    ],
)
def test_revisions_that_are_none(coded: Path, name: str, expected: str) -> None:
    code, told = mlspec(coded, "diff", "--", name, "HEAD")
    assert code == 2
    assert expected in told
    assert sorted(path.name for path in coded.iterdir()) == [".git", "own.py", "people.csv", "project.yaml"]


def test_the_environment_says_nothing_to_git(coded: Path, repository: Path, tmp_path: Path, trap: Path) -> None:
    write(coded, {"project.yaml": OWN_CODE.replace("0.8", "0.1")})
    given = {
        "GIT_DIR": str(repository / ".git"), "GIT_WORK_TREE": str(repository), "GIT_TRACE": str(tmp_path / "log"),
        "GIT_TRACE2_EVENT": str(tmp_path / "log"), "GIT_OBJECT_DIRECTORY": str(repository / ".git/objects"),
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": str(trap),
        "GIT_INDEX_FILE": str(tmp_path / "index"), "GIT_NAMESPACE": "x", "GIT_CEILING_DIRECTORIES": str(tmp_path),
        "GIT_EXEC_PATH": str(tmp_path), "GIT_PAGER": str(trap), "GIT_EXTERNAL_DIFF": str(trap),
    }  # fmt: skip
    code, told = mlspec(coded, "diff", "HEAD", *GATE, **given)
    assert (code, LOOSENED in told) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coded", "repository", "trap"]


@pytest.mark.parametrize("path", ["", ".", "tools", "{folder}/tools"])
def test_git_is_not_taken_from_the_checkout(coded: Path, trap: Path, path: str) -> None:
    for folder in (coded, coded / "tools"):
        folder.mkdir(exist_ok=True)
        shutil.copy(trap, folder / "git")
    first = path.format(folder=coded)
    code, _ = mlspec(coded, "diff", PATH=f"{first}{os.pathsep}{os.environ['PATH']}")
    assert (code, sprung(trap)) == (0, False)


def test_git_that_gives_no_answer(coded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlspec import api
    from mlspec.diagnostics import SpecError
    from mlspec.machine import git as machine

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nsleep 1000\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(machine, "SECONDS", 1)
    monkeypatch.chdir(coded)
    with pytest.raises(SpecError, match="git did not answer within 1 s"):
        api.diff()


def test_one_module_starts_git() -> None:
    import mlspec
    import mlspec_backends

    files = [file for module in (mlspec, mlspec_backends) for file in Path(module.__path__[0]).rglob("*.py")]
    starting = [file for file in files if re.search(r"""["']git(\.exe)?["'][,\]\s]""", file.read_text())]
    assert [file.name for file in starting if file.parent.name != "machine"] == []
    assert len(starting) == 1


@hardware.needs(hasattr(os, "geteuid") and os.geteuid() == 0, "only root can give files away")
def test_a_repository_of_somebody_else_is_read_where_it_is_listed_as_safe(coded: Path, tmp_path: Path) -> None:
    os.chown(coded, 12345, -1)
    home = tmp_path / "home"
    home.mkdir()
    given = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "SUDO_UID": ""}
    message = "git does not trust this repository, because it belongs to another user"
    note = f"git config --global --add safe.directory {coded}"
    (coded / "inner").mkdir()
    for folder in (coded, coded / "inner"):
        expected = (2, refusal("unknown-revision", message, note))
        assert mlspec(folder, "diff", "HEAD", "HEAD", **given) == expected
    # What the repository itself says does not count.
    git(tmp_path, "config", "--file", str(coded / ".git/config"), "safe.directory", "*")
    assert mlspec(coded, "diff", "HEAD", "HEAD", **given)[0] == 2
    assert mlspec(coded, "diff", "HEAD", "HEAD", **{**given, "SUDO_UID": "12345"})[0] == 0
    for values, code in (
        (["*"], 0),
        ([str(coded)], 0),
        ([f"{tmp_path}/*"], 0),
        (["~/../coded"], 0),
        (["/elsewhere"], 2),
        (["*", ""], 2),
        (["", "*"], 0),
    ):
        (home / ".gitconfig").write_text("".join(f'[safe]\n\tdirectory = "{value}"\n' for value in values))
        assert mlspec(coded, "diff", "HEAD", "HEAD", **given)[0] == code, values
    (home / ".gitconfig").unlink()
    said = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    assert mlspec(coded, "diff", "HEAD", "HEAD", **given, **said)[0] == 0


def test_what_merges_line_by_line_follows_the_users_style_and_starts_nothing(
    coded: Path, tmp_path: Path, trap: Path
) -> None:
    set_up = {"base": "a\n", "ours": "b\n", "theirs": "c\n"}
    write(coded, set_up)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.gitconfig").write_text("[merge]\n\tconflictStyle = diff3\n")
    for name in ("core.fsmonitor", "core.pager", "alias.merge-file"):
        git(coded, "config", name, f"!{trap}" if name.startswith("alias") else str(trap))
    code, told = mlspec(coded, "merge", "base", "ours", "theirs", HOME=str(tmp_path / "home"))
    assert code == 1
    assert "merged line by line" in told
    assert (coded / "ours").read_text() == "<<<<<<< ours\nb\n||||||| base\na\n=======\nc\n>>>>>>> theirs\n"
    (coded / "theirs").write_bytes(b"\0\1")
    code, told = mlspec(coded, "merge", "base", "ours", "theirs")
    assert code == 1
    assert "Cannot merge binary files" in told
    assert not sprung(trap)


def test_no_filter_hook_or_monitor_runs_to_find_out_whether_a_tree_is_clean(repository: Path) -> None:
    from mlspec.machine.git_state import state

    folder = repository / "specs" / "a"
    large = b"weights" * 100
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{hashlib.sha256(large).hexdigest()}\nsize 700\n"
    name = commit(repository, {"specs/a/large.bin": pointer, "specs/b/other": "1", ".gitattributes": "* filter=x\n"})
    for key in ("filter.x.clean", "filter.x.process", "core.fsmonitor", "core.hooksPath", "core.alternateRefsCommand"):
        git(repository, "config", key, f"touch {repository}/STARTED; cat")
    (folder / "large.bin").write_bytes(large)  # as git-lfs checks it out
    (repository / "specs" / "b" / "other").write_text("2")
    for path in folder.iterdir():
        os.utime(path, (FUTURE, FUTURE))
    found = state(folder)
    assert found is not None
    assert (found.commit, found.changed) == (name, ())
    (folder / "people.csv").write_text(ROWS + "1,a,high\n")
    (folder / "new").touch()
    (folder / "large.bin").unlink()
    assert state(folder).changed == ("large.bin", "new", "people.csv")  # type: ignore[union-attr]
    assert not (repository / "STARTED").exists()
