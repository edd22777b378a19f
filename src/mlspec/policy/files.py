"""Which policies are in force for a spec: those of its folder and of the folders above it, up to the repository's root.
Imports nothing that takes time: most specs have none."""

import os
from collections.abc import Iterator

from mlspec.machine import work_tree

NAME = "policy.yaml"
MOST_FOLDERS = 64


def places(folder: str | os.PathLike[str]) -> Iterator[str]:
    """Where policies for the specs of a folder may be, the repository's root first; without a repository, only in the
    folder itself. Raises nothing: that a file is there is not checked."""
    here = os.path.realpath(folder)
    tree = work_tree.find(here)
    found = [here]
    while tree is not None and found[-1] != tree.root and len(found) < MOST_FOLDERS:
        found.append(os.path.dirname(found[-1]))
    if tree is not None and found[-1] != tree.root:
        found.append(tree.root)
    return (os.path.join(one, NAME) for one in reversed(found))


def present(folder: str | os.PathLike[str]) -> list[str]:
    """Those that are there, whatever they are: also a link that leads nowhere, which must not count as no policy."""
    return [path for path in places(folder) if os.path.lexists(path)]


def shown(path: str) -> str:
    """A policy's file as messages name it: from the working folder."""
    return os.path.relpath(path, os.path.realpath(os.curdir)).replace(os.sep, "/")
