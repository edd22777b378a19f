"""Distinguishes what this folder's own mlspec has written from what was copied, committed or unpacked there.

A seal is a keyed digest of a file's content. The key follows from a file of random bytes and from the time of its last
change (and from its inode, where a file system keeps whole seconds alone). Neither a checkout nor an archive nor a copy
can bring that along, and no user can set it: knowing all files of a folder is not enough to seal one.
"""

import fcntl
import hashlib
import os
import stat

NAME = "key"
RANDOM = 32
LENGTH = 65  # of a seal: 64 digits and a line break

StrPath = str | os.PathLike[str]


def key(folder: StrPath) -> bytes | None:
    """The key of a folder; None where it has none that can be read."""
    try:
        handle = _opened(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        return _derived(handle)
    finally:
        os.close(handle)


def make(folder: StrPath) -> bytes:
    """The key of a folder, made where there is none. Raises OSError where it can't be."""
    found = key(folder)
    if found is not None:
        return found
    handle = _opened(folder, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if _derived(handle) is None:
            os.ftruncate(handle, 0)
            os.pwrite(handle, os.urandom(RANDOM), 0)
            os.fsync(handle)
        found = _derived(handle)
    finally:
        os.close(handle)
    if found is None:
        raise OSError(f"'{os.path.join(folder, NAME)}' could not be written")
    return found


def sealed(content: bytes, key: bytes) -> bytes:
    """A content with its seal, to be stored."""
    return content + _seal(content, key)


def opened(stored: bytes, key: bytes | None) -> bytes | None:
    """The content of what was stored; None where it is not sealed by this key."""
    content = stored[:-LENGTH]
    return content if key is not None and stored[-LENGTH:] == _seal(content, key) else None


def private(name: str, key: bytes) -> str:
    """A name for ``name`` that cannot be predicted without the key."""
    return hashlib.blake2b(name.encode(), key=key, digest_size=32, person=b"name").hexdigest()


def _seal(content: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(content, key=key, digest_size=32).hexdigest().encode() + b"\n"


def _derived(handle: int) -> bytes | None:
    status = os.fstat(handle)
    content = os.pread(handle, RANDOM + 1, 0)
    if len(content) != RANDOM:
        return None
    # The time cannot be predicted to the nanosecond, but to the second it could be.
    inode = 0 if status.st_ctime_ns % 1_000_000_000 else status.st_ino
    return hashlib.sha256(b"%s %d %d" % (content, inode, status.st_ctime_ns)).digest()


def _opened(folder: StrPath, flags: int) -> int:
    """The key's file, which is no link, no pipe and no device."""
    path = os.path.join(folder, NAME)
    handle = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(f"'{path}' is not a regular file")
    return handle
