"""The git work tree that a folder is in, found without git: only ``.git`` counts, as a folder or a file that names one,
because neither can be committed."""

import os
from typing import NamedTuple

from mlspec.machine import safe_files

GIT = ".git"
MOST = 4096


class WorkTree(NamedTuple):
    """A work tree: its root, its git directory, and the one that it shares with other work trees; all resolved."""

    root: str
    git_dir: str
    common_dir: str


def find(folder: str | os.PathLike[str]) -> WorkTree | None:
    """The innermost work tree around a folder, None where there is none."""
    at = os.path.realpath(folder)
    while True:
        found = _git_dir(os.path.join(at, GIT), at)
        if found is not None:
            common = _line(os.path.join(found, "commondir"))
            return WorkTree(at, found, found if common is None else os.path.realpath(os.path.join(found, common)))
        above = os.path.dirname(at)
        if above == at:
            return None
        at = above


def is_in(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> bool:
    """Whether a path, its links resolved, is a folder or in it."""
    real, root = os.path.realpath(path), os.path.realpath(folder)
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _git_dir(path: str, at: str) -> str | None:
    if os.path.isdir(path):
        found = os.path.realpath(path)
    else:
        line = _line(path)
        if line is None or not line.startswith("gitdir: "):
            return None
        found = os.path.realpath(os.path.join(at, line.removeprefix("gitdir: ")))
    return found if os.path.isfile(os.path.join(found, "HEAD")) else None


def _line(path: str) -> str | None:
    """A file's one line, None where there is no such file."""
    try:
        return os.fsdecode(safe_files.read(path, MOST)).rstrip("\n")
    except OSError:
        return None
