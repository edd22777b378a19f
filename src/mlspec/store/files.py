"""Files that appear whole or not at all, and stay when the power goes."""

import os
import shutil
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


def replace(path: Path, content: bytes) -> None:
    """Put a file in place of what stands under its name: the old one stays until the new one is whole.

    Raises OSError, naming ``path``, when it can't be written; nothing is left behind then.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        remove(aside)
        write(aside, content)
        aside.rename(path)
        sync_folder(path.parent)
    except OSError as error:
        error.filename = str(path)
        error.filename2 = None
        try:
            aside.unlink(missing_ok=True)
        except OSError:
            pass
        raise


def remove(path: Path) -> None:
    """Remove a file, a link or a whole folder; one that is not there is fine."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError):
        shutil.rmtree(path, ignore_errors=True)
