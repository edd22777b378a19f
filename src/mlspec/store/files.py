"""Files that appear whole or not at all, and stay when the power goes."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from mlspec.machine import safe_files
from mlspec.machine.whole_files import replace, sync_folder
from mlspec.store import tree

__all__ = ["copy", "remove", "replace", "sync_folder", "write"]


def write(path: Path, content: bytes, mode: int = 0o644, *, sync: bool = True) -> None:
    """Write a new file; with ``sync`` its content lasts, and its name does once its folder has been synced."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb", closefd=False) as file:
            file.write(content)
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def copy(source: Path, target: Path, empty: Iterable[str] = ()) -> None:
    """Copy the bytes of a file or of a folder's files; ``empty``: folders in it that hold nothing. Raises OSError, also
    for a file that is no regular one."""
    if not source.is_dir():
        _copy_file(source, target)
        return
    names, hollow = tree.listing(source)
    target.mkdir(exist_ok=True)
    for name in (*hollow, *empty):
        (target / name).mkdir(parents=True, exist_ok=True)
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        _copy_file(source / name, target / name)


def _copy_file(source: Path, target: Path) -> None:
    with safe_files.opened(source) as content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; one that is not there is fine."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(path, ignore_errors=True)
