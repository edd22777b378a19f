"""Which files a spec of a stranger may have read: those of its own work tree, and none of git's or of mlspec's own."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mlspec.machine import work_tree

GIT, OWN = ".git", ".mlspec"
MOST_ENTRIES = 200_000
Id = tuple[int, int]


class Reads(NamedTuple):
    """The folders whose files may be read, and the git directories that are in none of them; each by device and inode,
    so that no other spelling of a path gets round it. ``where``: what the folder is called in messages."""

    folders: frozenset[Id]
    git: frozenset[Id]
    where: str


def around(folder: str | os.PathLike[str]) -> Reads:
    """The reads of a spec in ``folder``: its work tree, or the folder alone where there is no repository."""
    tree = work_tree.find(folder)
    if tree is None:
        return Reads(_ids(os.fspath(folder) or os.curdir), frozenset(), "the spec's folder")
    return Reads(_ids(tree.root), _ids(tree.git_dir, tree.common_dir), "the repository")


def with_folder(reads: Reads, folder: str | os.PathLike[str]) -> Reads:
    """The same reads, and those of one more folder, made by mlspec itself."""
    return reads._replace(folders=reads.folders | _ids(folder))


def refusal(reads: Reads, path: str | os.PathLike[str]) -> str:
    """Why a file may not be read ("leads outside the repository"), by where it is after links are resolved; empty
    where it may be. It is not opened, and whether it exists changes nothing. Raises ValueError for what is no path."""
    at = os.path.realpath(path)
    private = ""
    while True:
        found = _ids(at)
        if found & reads.folders:
            return private
        name = os.path.basename(at).casefold()
        if found & reads.git or name == GIT:
            private = "is inside a git directory"
        elif name == OWN:
            private = private or "is inside mlspec's own files"
        above = os.path.dirname(at)
        if above == at:
            return f"is outside {reads.where}"
        at = above


def refused(reads: Reads, files: Iterable[str | os.PathLike[str]]) -> tuple[str, str] | None:
    """The first of these files, or of what is in these folders, that may not be read, and why. Links are resolved and
    never walked into. Raises ValueError where there is more than can be looked at."""
    folders: dict[str, str] = {}
    for file in files:
        for path in _within(os.fspath(file)):
            folder, name = os.path.split(path)
            if os.path.islink(path) or name.casefold() in (GIT, OWN):
                why = refusal(reads, path)
            else:
                if folder not in folders:
                    folders[folder] = refusal(reads, folder)
                why = folders[folder]
            if why:
                return path, why
    return None


def _within(path: str) -> Iterator[str]:
    """A file; or all that is not hidden in a folder, and the folder."""
    if not os.path.isdir(path):
        yield path
        return
    yield os.path.join(path, "")
    count = 0
    for base, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        count += len(folders) + len(names)
        if count > MOST_ENTRIES:
            raise ValueError(f"there are more than {MOST_ENTRIES:,} files and folders")
        yield from (os.path.join(base, name, "") for name in folders)
        yield from (os.path.join(base, name) for name in names if not name.startswith("."))


def _ids(*paths: str | os.PathLike[str]) -> frozenset[Id]:
    """Device and inode of those that exist."""
    found = set()
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        found.add((status.st_dev, status.st_ino))
    return frozenset(found)
