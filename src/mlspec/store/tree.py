"""A folder as a value: the digests of its files by path. Its own digest can't be that of any file."""

import hashlib
import os
import re
from pathlib import Path

import msgspec

from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files

MARK = b"mlspec tree 1\n"
DIGEST = re.compile(r"[0-9a-f]{64}")


class Tree(msgspec.Struct, frozen=True):
    """The files in a folder (path with ``/`` -> digest) and the folders that hold nothing."""

    files: dict[str, str]
    empty: tuple[str, ...] = ()


def encode(tree: Tree) -> tuple[str, bytes]:
    """The digest of a tree, and the bytes that are stored under it."""
    content = msgspec.json.encode(tree, order="sorted") + b"\n"
    return hashlib.sha256(MARK + content).hexdigest(), content


def decode(content: bytes, digest: str) -> Tree | None:
    """The tree from its bytes; None when they are not what the digest says, or no tree: one that names a file outside
    its folder, or content that is no digest, is none."""
    if hashlib.sha256(MARK + content).hexdigest() != digest:
        return None
    try:
        found = json_values.decode(content, Tree)
    except ValueError:
        return None
    names = all(safe_files.stays_inside(path) for path in (*found.files, *found.empty))
    return found if names and all(DIGEST.fullmatch(one) for one in found.files.values()) else None


def listing(folder: Path) -> tuple[list[str], list[str]]:
    """The paths of a folder's files, and of the folders in it that hold nothing, sorted.

    Raises StepError for what can't be stored: links, devices and names that are no text, or paths on other systems.
    """
    files, empty = [], []
    for base, folders, names in os.walk(folder):
        inside = Path(base).relative_to(folder)
        for name in (*folders, *names):
            path = Path(base, name)
            try:
                name.encode()
            except UnicodeEncodeError:
                raise StepError(f"a step wrote a file whose name is not text: {name!r}") from None
            if not safe_files.stays_inside(name):
                raise StepError(f"a step wrote a file whose name is a path on other systems: {name!r}")
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise StepError(f"a step wrote '{inside / name}', which is neither a file nor a folder")
        files += [(inside / name).as_posix() for name in names]
        if not folders and not names and inside != Path():
            empty.append(inside.as_posix())
    return sorted(files), sorted(empty)
