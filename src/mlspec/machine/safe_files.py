"""Files that come from elsewhere: names are joined without leaving their root, and only regular files are opened."""

import errno
import io
import os
import stat
from pathlib import Path

LARGEST = 64 << 20
KERNEL = ("/proc/", "/sys/", "/dev/")  # regular by their mode, and yet endless or private
SHARED_MEMORY = "/dev/shm/"  # an ordinary place for files


class UnsafePathError(ValueError):
    """A name leads out of the folder that it belongs to."""


class NotRegularError(OSError):
    """What has a file's name is a folder, a device, a pipe, or a file of the kernel's own file systems."""


def stays_inside(name: str) -> bool:
    """Whether a name (parts joined by slashes) stays inside its folder on any system, judging by the name alone."""
    parts = name.split("/")
    return not any(part in ("", ".", "..") or "\\" in part or "\0" in part or part[1:2] == ":" for part in parts)


def inside(root: str | os.PathLike[str], name: str) -> Path:
    """The path of ``name`` (parts joined by slashes) in ``root``, for names from git, an archive, a store or a package.

    Raises UnsafePathError for an absolute name, ``..``, a drive letter, a backslash, NUL, an empty part, and where a
    part of the name is a link.
    """
    if not stays_inside(name):
        raise UnsafePathError(f"'{name}' points outside its folder")
    path = os.fspath(root)
    for part in name.split("/"):
        path = os.path.join(path, part)
        if os.path.islink(path):
            raise UnsafePathError(f"'{name}' goes through a link")
    return Path(path)


def opened(path: str | os.PathLike[str]) -> io.BufferedReader:
    """A regular file, opened for reading; never waits for a writer. Raises OSError, NotRegularError for any other."""
    refusal = NotRegularError(errno.EINVAL, "Not a regular file", os.fspath(path))
    place = os.path.realpath(path)
    is_kernels = place.startswith(KERNEL) and not place.startswith(SHARED_MEMORY)
    if is_kernels or not stat.S_ISREG(os.stat(path).st_mode):
        raise refusal
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise refusal
    return os.fdopen(handle, "rb")


def read(path: str | os.PathLike[str], most: int = LARGEST) -> bytes:
    """The bytes of a regular file of no more than ``most``. Raises OSError, also where it is larger."""
    with opened(path) as file:
        # Never more room than the file takes: a bound may be far above it.
        data = file.read(min(os.fstat(file.fileno()).st_size, most) + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"Larger than {most:,} bytes", os.fspath(path))
    return data
