"""Files that are written whole or not at all: aside, to the disk, then under their name.

What is being written has one fixed name beside its target (``.NAME.part``), locked by its writer: a process that is
killed leaves one such file at most, which the next writer of the same target removes.
"""

import contextlib
import errno
import fcntl
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from typing import IO

from mlspec.diagnostics import Diagnostic, SpecError

StrPath = str | os.PathLike[str]
LONGEST = 60  # characters of the target's name in that of the part: no file system allows more than 255 bytes
LONGEST_WAIT = 60.0  # seconds for another process that writes the same file
BUSY = "Another process is writing it"
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP)


def replace(path: StrPath, content: bytes, *, sync: bool = True) -> None:
    """Write a file in place of whatever has its name, a link included.

    ``sync``: it survives a power cut too. Raises OSError naming ``path``; what was there stays then.
    """
    with replacing(path, sync=sync) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: StrPath, *, sync: bool = True, mode: int | None = None) -> Iterator[IO[bytes]]:
    """A file to write into that takes the name when the block ends without an error; ``mode``: its permissions.

    Raises OSError naming ``path``; what was there stays then, and nothing is left beside it.
    """
    folder, name = os.path.split(os.path.abspath(path))
    part = os.path.join(folder, f".{name[:LONGEST]}.part")
    with _naming(path):
        handle = _created(part)
        try:
            with os.fdopen(handle, "wb", closefd=False) as file:
                yield file
            if mode is not None:
                os.fchmod(handle, mode)
            if sync:
                os.fsync(handle)
            if not _has_name(handle, part):
                raise OSError(errno.EBUSY, BUSY)
            os.rename(part, os.path.join(folder, name))
        except BaseException:
            with contextlib.suppress(OSError):
                if _has_name(handle, part):
                    os.unlink(part)
            raise
        finally:
            os.close(handle)
        if sync:
            sync_folder(folder)


@contextlib.contextmanager
def output(path: StrPath, inputs: Iterable[StrPath] = ()) -> Iterator[IO[bytes]]:
    """A file that a user has named for output, to write into.

    Links are followed and permissions kept. What is no regular file (a terminal, a pipe, a device) is written to as it
    is, and so is the file that is this process's own stdout or stderr. Raises SpecError where it is one of the
    ``inputs``, OSError naming ``path`` where it can't be written.
    """
    with _naming(path):
        there = _status(path)
        for one in inputs:
            _refuse_input(path, there, one)
        direct = None if there is None else _direct(os.path.abspath(path), there)
        if direct is not None:
            with os.fdopen(direct, "wb") as file:
                yield file
            return
        if there is not None and not os.access(path, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        mode = None if there is None else stat.S_IMODE(there.st_mode)
        with replacing(os.path.realpath(path), mode=mode) as file:
            yield file


def sync_folder(folder: StrPath) -> None:
    """Make the names in a folder survive a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


@contextlib.contextmanager
def _naming(path: StrPath) -> Iterator[None]:
    """Errors of the system name the file as its user knows it."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = os.fspath(path), None
        raise


def _status(path: StrPath) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _refuse_input(path: StrPath, there: os.stat_result | None, source: StrPath) -> None:
    found = None if there is None else _status(source)
    if there is None or found is None or not stat.S_ISREG(there.st_mode) or not os.path.samestat(there, found):
        return
    message = f"'{os.fspath(path)}' is an input and would be overwritten"
    raise SpecError([Diagnostic(code="output-is-input", message=message, notes=("name another file with -o",))])


def _direct(path: str, there: os.stat_result) -> int | None:
    """An open handle of what can't be replaced by a file; None for a regular file."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            if os.path.samestat(there, os.fstat(stream.fileno())):
                stream.flush()
                return os.dup(stream.fileno())
    real = os.path.realpath(path)
    if stat.S_ISREG(there.st_mode) and not real.startswith(("/proc/", "/sys/")):
        return None
    return os.open(path, os.O_WRONLY | os.O_CLOEXEC | getattr(os, "O_NOCTTY", 0))


def _created(part: str) -> int:
    """The handle of a new file of that name, locked; waits for a living process that is writing one."""
    while True:
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            _remove_abandoned(part)
            continue
        try:
            _lock(handle)
            if _has_name(handle, part):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _remove_abandoned(part: str) -> None:
    try:
        handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError:  # a link, or somebody else's: nothing that we would write into
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        return
    try:
        _lock(handle)
        if _has_name(handle, part):
            os.unlink(part)
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    """Hold a file alone, where its file system has locks. Raises OSError where somebody else does not let go of it."""
    end = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise OSError(errno.EBUSY, BUSY) from None
            time.sleep(0.01)
        except OSError:
            return


def _has_name(handle: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.lstat(path))
    except FileNotFoundError:
        return False
