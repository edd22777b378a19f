"""What a folder of a work tree has that its last commit does not, and which commit that is. Starts no filter or
hook."""

import hashlib
import os
import re

from msgspec import Struct

from mlspec.machine import git, safe_files
from mlspec.machine.git import Repository

READ = 1 << 20
MOST = 1 << 20  # bytes of names of untracked files that are read
POINTER = 1024  # bytes of a file of git-lfs in the repository, at most
LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n")


class State(Struct, frozen=True):
    """The last commit that changed something in a folder, when it was made (ISO 8601), and the files of the folder that
    are not as in HEAD, by their paths from there."""

    commit: str
    committed: str
    changed: tuple[str, ...] = ()


def state(folder: str | os.PathLike[str]) -> State | None:
    """The state of a folder; None outside a repository, and where nothing of the folder was ever committed.

    Files are compared by their bytes, those of git-lfs by their digests; ignored files and links are left out. Raises
    SpecError where git can't say.
    """
    repository = git.opened(folder)
    head = None if repository is None else repository.commit("HEAD")
    if repository is None or head is None:
        return None
    place = os.path.relpath(os.path.realpath(folder), repository.root)
    inner = "" if place == os.curdir else place.replace(os.sep, "/")
    entry = repository.entry(head.tree, inner, "HEAD")
    if entry is None or entry.kind != "tree":
        return None
    with_time = _asked(repository, "log", "-1", "--no-show-signature", "--format=%H %cI", "HEAD", "--", inner or ".")
    commit, _, time = with_time.decode("ascii", "replace").strip().partition(" ")
    tracked = repository.below(entry.name, "HEAD")
    changed = [name for name, blob in tracked.items() if not _is_same(repository, os.path.join(folder, name), blob)]
    return State(commit, time, tuple(sorted([*changed, *_untracked(repository, inner)])))


def _untracked(repository: Repository, inner: str) -> list[str]:
    excludes = git.setting("core.excludesFile", repository.tree)
    settings = ("-c", f"core.excludesFile={os.path.expanduser(excludes[-1])}") if excludes else ()
    said = _asked(repository, *settings, "ls-files", "--others", "--exclude-standard", "-z", "--", inner or ".")
    before = f"{inner}/" if inner else ""
    return [os.fsdecode(name).removeprefix(before) for name in said.split(b"\0") if name]


def _is_same(repository: Repository, path: str, blob: str) -> bool:
    try:
        with safe_files.opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            own = hashlib.new(repository.algorithm, b"blob %d\0" % size, usedforsecurity=False)
            content = hashlib.sha256()
            while piece := file.read(READ):
                own.update(piece)
                content.update(piece)
    except OSError:
        return False
    if own.hexdigest() == blob:
        return True
    committed = repository.read(blob, "HEAD", POINTER)
    pointer = None if committed is None else LFS.match(committed)
    return pointer is not None and pointer[1].decode() == content.hexdigest()


def _asked(repository: Repository, *arguments: str) -> bytes:
    done = git.run(repository.tree, *arguments, most=MOST)
    if done.returncode not in (0, -13, 141):  # ended early where it says more than is read
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise git.wrong(f"git says: {said[-1] if said else 'nothing'}")
    return done.stdout
