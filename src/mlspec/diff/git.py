"""Git objects, read without a checkout: git is asked by argument lists, never through a shell, and only ever reads."""

import os
import shlex
import subprocess
from pathlib import Path

from msgspec import Struct

from mlspec.diagnostics import Diagnostic, SpecError

SECONDS = 60
LARGEST = 256 << 20
# Nothing of the repository's own settings may start a program, nothing may be fetched, nothing is written.
SETTINGS = ("--no-optional-locks", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


class Entry(Struct, frozen=True):
    """What stands under a path in a commit: ``kind`` blob or tree, the object's name, whether it is a plain file."""

    kind: str
    name: str
    is_link: bool = False


def git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, None where it says no. Raises SpecError where there is no git or it takes too long."""
    done = _run(folder, *arguments)
    return None if done.returncode else done.stdout


def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    command = ["git", *SETTINGS, "-C", str(folder), *arguments]
    try:
        return subprocess.run(
            command,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            env={**os.environ, **ENVIRONMENT},
        )
    except FileNotFoundError:
        raise _wrong("git is not installed", "name two files: mlspec diff OLD NEW") from None
    except subprocess.TimeoutExpired:
        raise _wrong(f"git gave no answer in {SECONDS} s", "see what ails the repository: git fsck") from None


def top(folder: Path) -> Path | None:
    """The root of the working tree that a folder lies in, None where it lies in none."""
    done = _run(folder, "rev-parse", "--show-toplevel")
    if b"dubious ownership" in done.stderr:
        note = f"git config --global --add safe.directory {shlex.quote(str(folder.absolute()))}"
        raise _wrong("git does not trust this repository: it belongs to somebody else", note)
    return None if done.returncode else Path(os.fsdecode(done.stdout.rstrip(b"\n")))


def commit(folder: Path, revision: str) -> str:
    """The commit that a revision names. Raises SpecError where it names none."""
    if not revision or revision.startswith("-") or not revision.isprintable():
        raise _wrong(f"'{revision}' is no revision", "name a branch, a tag or a commit")
    said = git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if said is None:
        shallow = git(folder, "rev-parse", "--is-shallow-repository") == b"true\n"
        note = "this is a shallow clone: fetch the commit first (fetch-depth: 0 in a workflow)"
        raise _wrong(f"git knows no commit '{revision}'", *([note] if shallow else ["git branch --all lists branches"]))
    return said.decode().strip()


def merge_base(folder: Path, one: str, other: str) -> str:
    """The last commit that both have. Raises SpecError where they have none."""
    said = git(folder, "merge-base", one, other)
    if said is None:
        raise _wrong("the two have no commit in common", "a shallow clone may lack it (fetch-depth: 0 in a workflow)")
    return said.decode().split()[0]


def entry(folder: Path, at: str, path: str) -> Entry | None:
    """What stands under a path (from the repository's root, slashes) in a commit."""
    said = git(folder, "--literal-pathspecs", "ls-tree", "-z", "--full-tree", at, "--", path)
    for row in (said or b"").split(b"\0"):
        about, tab, name = row.partition(b"\t")
        if tab and os.fsdecode(name) == path:
            mode, kind, found = about.decode().split()
            return Entry(kind, found, mode == "120000")
    return None


def below(folder: Path, at: str, path: str) -> dict[str, str]:
    """The files below a folder in a commit, by their path from there: the objects' names."""
    inside = f"{path}/" if path else ""
    said = git(
        folder, "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", at, "--", *([inside] if path else [])
    )
    found = {}
    for row in (said or b"").split(b"\0"):
        about, tab, name = row.partition(b"\t")
        if tab and not about.startswith((b"120000", b"160000")):
            found[os.fsdecode(name).removeprefix(inside)] = about.decode().split()[2]
    return found


def blob(folder: Path, name: str, most: int = LARGEST) -> bytes | None:
    """The bytes of an object, None where it is not here or larger than ``most``."""
    size = git(folder, "cat-file", "-s", name)
    if size is None or int(size) > most:
        return None
    return git(folder, "cat-file", "blob", name)


def clean(folder: Path, path: str) -> str | None:
    """The object's name of a file in the index, where the working tree's file is known to be the same."""
    said = git(folder, "--literal-pathspecs", "ls-files", "-s", "-z", "--full-name", "--", path)
    rows = [row for row in (said or b"").split(b"\0") if row]
    if len(rows) != 1 or not rows[0].startswith(b"100"):
        return None
    touched = git(folder, "--literal-pathspecs", "diff-files", "--name-only", "-z", "--", path)
    return rows[0].split()[1].decode() if touched == b"" else None


def _wrong(message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code="unknown-revision", message=message, notes=notes)])
