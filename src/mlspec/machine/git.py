"""The one place that starts git. Whatever a repository, its settings or the environment say: git starts no program, no
hook, filter, pager or transport, fetches nothing and writes nothing.

The git directory and the work tree are those that ``work_tree.find`` finds; git looks for neither. Objects are read
through one process, and each is checked against its own name.
"""

import contextlib
import hashlib
import os
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from mlspec.diagnostics import Diagnostic, Span, SpecError
from mlspec.machine import git_trees, work_tree
from mlspec.machine.git_trees import Entry
from mlspec.machine.work_tree import WorkTree

SECONDS = 60
LARGEST = 256 << 20  # bytes of one object
TOTAL = 1 << 30  # bytes of all objects that are read of one repository
SKIPPED = 1 << 20  # a larger object that is not needed ends the process, to avoid reading its bytes
PIECE = 1 << 20
MOST_ENTRIES = 200_000
MOST_LEVELS = 64

OPTIONS = ("--no-replace-objects", "--no-optional-locks", "--literal-pathspecs", "--no-pager")
SETTINGS = {
    "safe.bareRepository": "explicit",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.alternateRefsCommand": "",
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.askPass": "",
    "credential.helper": "",
    "diff.external": "",
    "gpg.program": "false",
    "protocol.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.bigFileThreshold": "8m",  # git does not hold larger objects in memory
}
ENVIRONMENT = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # git before 2.45 does not know the line above; without a transport it can't fetch
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "HOME": os.devnull,  # git before 2.32 does not know GIT_CONFIG_GLOBAL
    "XDG_CONFIG_HOME": os.devnull,
}
ALWAYS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_TRACE2": "0",
    "GIT_TRACE2_EVENT": "0",
    "GIT_TRACE2_PERF": "0",
    "GIT_ALLOC_LIMIT": "320m",
    "LC_ALL": "C",
}
FOUND = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (blob|tree|commit|tag) (\d+)\n")
TREE = re.compile(rb"tree ([0-9a-f]{40}|[0-9a-f]{64})\n")
INCOMPLETE = "a partial clone lacks objects, and mlspec does not fetch: git fetch --refetch --no-filter"
DAMAGED = "if this is not a partial clone, the repository is damaged: git fsck"


class Found(NamedTuple):
    """An object: its name, its kind, and its bytes, None where there are more than were wanted."""

    name: str
    kind: str
    data: bytes | None


class Commit(NamedTuple):
    """A commit's name, and its tree's."""

    name: str
    tree: str


class Repository:
    """A repository whose objects are read, each by its name. ``root`` is its work tree, ``algorithm`` what objects are
    named by, known once one has been read.

    ``place`` says in diagnostics what is read. Methods raise SpecError where an object is missing, damaged, larger than
    allowed or hostile, where there is no git, and where it takes longer than a minute.
    """

    def __init__(self, tree: WorkTree) -> None:
        self.tree, self.root, self.algorithm = tree, tree.root, "sha1"
        self._process: subprocess.Popen[bytes] | None = None
        self._left = TOTAL
        self._trees: dict[str, dict[str, Entry]] = {}

    def commit(self, revision: str) -> Commit | None:
        """The commit that a revision names, None where it names none."""
        if not revision.isprintable() or revision.startswith("-"):
            return None
        found = self._find(f"{revision}^{{commit}}", revision, LARGEST)
        tree = None if found is None or found.data is None else TREE.match(found.data)
        return None if found is None or tree is None else Commit(found.name, tree[1].decode())

    def read(self, name: str, place: str, most: int = LARGEST, kind: str = "blob") -> bytes | None:
        """The bytes of an object that has to be there, None where there are more than ``most``."""
        found = self._find(name, place, most)
        if found is None:
            raise _missing(place, name)
        if found.kind != kind:
            raise unreadable(place, f"object {name[:12]} is a {found.kind}, but must be a {kind}", "git fsck")
        return found.data

    def copy(self, name: str, place: str, file: str | os.PathLike[str]) -> bool:
        """Write an object that has to be there to a new file; whether it was not too large for that."""
        with open(file, "xb") as stream:
            found = self._ask(name, place, LARGEST, stream.write)
        if found is None:
            raise _missing(place, name)
        return found.data is not None

    def entry(self, tree: str, path: str, place: str) -> Entry | None:
        """What has a path, with slashes, in a tree, or the link or submodule on the way there; None where there is
        nothing."""
        found: Entry | None = Entry("tree", tree)
        for part in path.split("/") if path else ():
            if found is None or found.kind != "tree":
                return found if found is not None and found.kind != "blob" else None
            found = self._entries(found.name, place).get(part)
        return found

    def below(self, tree: str, place: str) -> dict[str, str]:
        """The names of all files' objects in a tree, by their paths from there; without links and submodules."""
        files: dict[str, str] = {}
        waiting = [("", tree, 1)]
        seen = 0
        while waiting:
            folder, name, level = waiting.pop()
            entries = self._entries(name, place)
            seen += len(entries)
            if seen > MOST_ENTRIES or level > MOST_LEVELS:
                limit = f"{MOST_ENTRIES:,} files and folders" if seen > MOST_ENTRIES else f"{MOST_LEVELS} levels"
                raise unreadable(place, f"the folder has more than {limit}")
            for own, entry in entries.items():
                if entry.kind == "tree":
                    waiting.append((f"{folder}{own}/", entry.name, level + 1))
                elif entry.kind == "blob":
                    files[f"{folder}{own}"] = entry.name
        return files

    def merge_base(self, one: str, other: str) -> str | None:
        """The last commit that two commits have in common, by their names; None where there is none."""
        done = run(self.tree, "merge-base", "--end-of-options", one, other, most=len(one) + 1)
        return done.stdout.decode("ascii", "replace").split()[0] if done.returncode == 0 else None

    def is_shallow(self) -> bool:
        """Whether older commits were left out when this was cloned."""
        return os.path.exists(os.path.join(self.tree.common_dir, "shallow"))

    def close(self) -> None:
        """End the process; the next question starts another."""
        if self._process is not None:
            self._end()
            self._process = None

    def _entries(self, tree: str, place: str) -> dict[str, Entry]:
        if tree not in self._trees:
            data = self.read(tree, place, git_trees.LARGEST, "tree")
            try:
                self._trees[tree] = git_trees.entries(data, len(tree) // 2)
            except ValueError as error:
                raise unreadable(place, f"the commit holds {error}", "it cannot be checked out: git fsck") from None
        return self._trees[tree]

    def _find(self, expression: str, place: str, most: int) -> Found | None:
        pieces: list[bytes] = []
        found = self._ask(expression, place, most, pieces.append)
        return found if found is None or found.data is None else found._replace(data=b"".join(pieces))

    def _ask(self, expression: str, place: str, most: int, take: Callable[[bytes], object]) -> Found | None:
        """The object that an expression names, its bytes handed to ``take``; None where there is none."""
        with self._answering(place) as (question, answer):
            question.write(os.fsencode(expression) + b"\n")
            question.flush()
            header = answer.readline(PIECE)
            about = FOUND.fullmatch(header)
            if about is None:
                if header.endswith((b" missing\n", b" ambiguous\n")):
                    return None
                raise EOFError
            name, kind, size = about[1].decode(), about[2].decode(), int(about[3])
            self.algorithm = "sha1" if len(name) == 40 else "sha256"
            if size > most:
                if size <= SKIPPED:
                    _pass_on(answer, size + 1, len)
                else:
                    self.close()
                return Found(name, kind, None)
            self._left -= size
            if self._left < 0:
                raise unreadable(place, f"more than {TOTAL >> 30} GiB of this repository would have to be read")
            made = hashlib.new(self.algorithm, b"%s %d\0" % (about[2], size), usedforsecurity=False)

            def taken(piece: bytes) -> None:
                made.update(piece)
                take(piece)

            _pass_on(answer, size, taken)
            _pass_on(answer, 1, len)
        if made.hexdigest() != name:
            raise unreadable(place, f"object {name[:12]} does not have the content that its name states", DAMAGED)
        return Found(name, kind, b"")

    @contextlib.contextmanager
    def _answering(self, place: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Where to ask git, and where it answers: in time, and in its own words where it gives up."""
        if self._process is None:
            self._process, self._errors = _started(self.tree, "cat-file", "--batch")
            self._end = weakref.finalize(self, _ended, self._process, self._errors)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with _in_time(self._process):
                yield self._process.stdin, self._process.stdout
        except (EOFError, BrokenPipeError):
            self._errors.seek(0)
            said = self._errors.read(PIECE).decode("utf-8", "replace").strip().splitlines()
            self.close()
            is_partial = any("promisor" in line for line in said)
            note = INCOMPLETE if is_partial else "git fsck shows more"
            raise unreadable(place, f"git says: {said[-1] if said else 'nothing'}", note) from None
        except BaseException:
            self.close()
            raise


def opened(folder: str | os.PathLike[str]) -> Repository | None:
    """The repository around a folder, None where there is none. Raises SpecError where it belongs to somebody else, by
    the rules of git."""
    tree = work_tree.find(folder)
    if tree is not None and not _is_trusted(tree):
        note = f"git config --global --add safe.directory {shlex.quote(tree.root)}"
        raise wrong("git does not trust this repository, because it belongs to another user", note)
    return None if tree is None else Repository(tree)


def run(tree: WorkTree | None, *arguments: str, most: int) -> "subprocess.CompletedProcess[bytes]":
    """Run a command of git that prints ``most`` bytes or fewer; it ends early where there are more. Raises SpecError
    where there is no git, and where it takes longer than a minute."""
    return _done(*_started(tree, *arguments), most)


def _done(process: "subprocess.Popen[bytes]", errors: IO[bytes], most: int) -> "subprocess.CompletedProcess[bytes]":
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with _in_time(process):
            process.stdin.close()
            out = process.stdout.read(most)
            process.stdout.close()
            code = process.wait()
        errors.seek(0)
        said = errors.read(PIECE)
    finally:
        _ended(process, errors)
    return subprocess.CompletedProcess(process.args, code, out, said)


def setting(name: str, tree: WorkTree | None, *, own: bool = True) -> list[str]:
    """The values of a setting in the configuration of the system, the user and the command, and the repository's unless
    ``own`` is false. For settings that start nothing."""
    root = "" if tree is None else tree.root
    kept = {key: value for key, value in os.environ.items() if key.startswith("GIT_CONFIG")}
    git_dir = tree.git_dir if tree is not None and own else os.devnull
    command = [program(root), "--no-pager", "config", "-z", "--get-all", name]
    done = _done(*_popen(command, {**_inherited(root), **kept, **ALWAYS, "GIT_DIR": git_dir}), PIECE)
    return [os.fsdecode(value) for value in done.stdout.split(b"\0")[:-1]]


def program(root: str = "") -> str:
    """Where git is: only absolute folders of PATH count, and none in the work tree ``root``. Raises SpecError where
    there is no git."""
    name = "git.exe" if os.name == "nt" else "git"
    for folder in _path(root):
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise wrong("git is not installed", "name two files: mlspec diff OLD NEW")


def wrong(message: str, *notes: str) -> SpecError:
    """What is to be compared can't be found."""
    return SpecError([Diagnostic(code="unknown-revision", message=message, notes=notes)])


def unreadable(place: str, message: str, *notes: str) -> SpecError:
    """What a commit holds can't be read."""
    span = Span(place, 1, 1, 1, 1)
    return SpecError([Diagnostic(code="unreadable-commit", message=message, span=span, notes=notes)])


def _missing(place: str, name: str) -> SpecError:
    return unreadable(place, f"git has no object {name[:12]}", INCOMPLETE, DAMAGED)


def _started(tree: WorkTree | None, *arguments: str) -> "tuple[subprocess.Popen[bytes], IO[bytes]]":
    """A process of git, and the file that it writes its errors to."""
    root = "" if tree is None else tree.root
    at = (f"--git-dir={os.devnull}",) if tree is None else (f"--git-dir={tree.git_dir}", f"--work-tree={root}")
    settings = (part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}"))
    command = [program(root), *OPTIONS, *at, *settings, *arguments]
    return _popen(command, {**_inherited(root), **ENVIRONMENT, **ALWAYS}, root or None)


def _popen(
    command: list[str], environment: dict[str, str], folder: str | None = None
) -> "tuple[subprocess.Popen[bytes], IO[bytes]]":
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile())
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        stack.pop_all()
    return process, errors


def _ended(process: "subprocess.Popen[bytes]", errors: IO[bytes]) -> None:
    """End a process that has nothing left to say, by its own way out if it takes that at once."""
    for stream in (process.stdin, process.stdout, errors):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()
    try:
        process.wait(1)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and what it has started, which may hold its pipes open."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


@contextlib.contextmanager
def _in_time(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Kill a process that takes longer than a minute. Raises SpecError then."""
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        _kill(process)

    timer = threading.Timer(SECONDS, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if is_late.is_set():
            raise wrong(f"git did not answer within {SECONDS} s", "check the repository: git fsck")


def _pass_on(stream: IO[bytes], size: int, take: Callable[[bytes], object]) -> None:
    while size:
        piece = stream.read(min(size, PIECE))
        if not piece:
            raise EOFError
        take(piece)
        size -= len(piece)


def _inherited(root: str) -> dict[str, str]:
    """The environment without anything that is meant for git, or leads to programs of the work tree."""
    kept = {key: value for key, value in os.environ.items() if not key.upper().startswith("GIT_")}
    return {**kept, "PATH": os.pathsep.join(_path(root))}


def _path(root: str) -> list[str]:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [folder for folder in folders if os.path.isabs(folder) and not (root and work_tree.is_in(folder, root))]


def _is_trusted(tree: WorkTree) -> bool:
    """Whether a repository belongs to who runs this, or is listed by them as safe; as git decides it."""
    if not hasattr(os, "geteuid"):
        return True
    own = {os.geteuid()}
    sudo = os.environ.get("SUDO_UID", "")
    if own == {0} and sudo.isdecimal():
        own.add(int(sudo))
    if all(os.lstat(path).st_uid in own for path in (tree.root, os.path.join(tree.root, work_tree.GIT), tree.git_dir)):
        return True
    is_listed = False
    for value in setting("safe.directory", tree, own=False):
        path = os.path.expanduser(value)
        if value in ("", "*"):
            is_listed = value == "*"
        elif path.endswith("/*"):
            is_listed = is_listed or work_tree.is_in(tree.root, path[:-2])
        elif os.path.isabs(path):
            is_listed = is_listed or os.path.realpath(path) == tree.root
    return is_listed
