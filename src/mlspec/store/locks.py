"""Locks that the kernel keeps (flock): a process that dies holds none, and none is inherited (os.open sees to that)."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlspec.diagnostics import StoreError


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Be the only one who holds this lock; its file is gone afterwards. ``waiting`` is called if another one has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _take(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
                if waiting is not None:
                    waiting()
                _take(handle, fcntl.LOCK_EX)
            # The previous holder has removed the file: this handle locks a name that no longer exists.
            if _still(handle, path):
                break
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold this lock together with others; waits while someone has it alone. The file stays."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Hold a shared lock together with others, also where nothing may be written; no lock where there is no folder."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            # Nothing was ever written here, or only by users with other rights: there is nothing to wait for.
            yield
            return
    try:
        _take(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(path: Path, busy: str) -> Iterator[None]:
    """Hold a shared lock alone. Raises StoreError with ``busy`` when someone else holds it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _take(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            raise StoreError(busy)
        yield
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove the files of exclusive locks that are not held."""
    for path in folder.iterdir():
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            continue
        try:
            if _take(handle, fcntl.LOCK_EX | fcntl.LOCK_NB) and _still(handle, path):
                path.unlink()
        finally:
            os.close(handle)


def hold_folder(folder: Path) -> int | None:
    """Lock a folder itself; the handle that holds the lock, or None when the folder is gone or another one has it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    if _take(handle, fcntl.LOCK_EX | fcntl.LOCK_NB) and _still(handle, folder):
        return handle
    os.close(handle)
    return None


def _take(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        return False
    return True


def _still(handle: int, path: Path) -> bool:
    held = os.fstat(handle)
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return False
    return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)
