"""Files of the working tree and git's blobs: which blob a file is, without a filter being run."""

import hashlib
import os
import re
from collections.abc import Iterator
from typing import IO

from mlspec.machine import safe_files
from mlspec.machine.git import Repository

PIECE = 1 << 20
MOST_HASHED = 16 << 30
TEXT = 8_000  # git takes a file for text that has no NUL among its first bytes
POINTER = b"version https://git-lfs"
LARGEST_POINTER = 1_024
OID = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
SIZE = re.compile(rb"^size (\d+)$", re.MULTILINE)


def name_of(file: str | os.PathLike[str], repository: Repository | None, known: str | None, place: str) -> str:
    """The name of a file's blob; ``known``, the blob that a commit has in the file's place, where the two differ in no
    more than what a checkout changes: line ends (CRLF for LF), and the content of a Git LFS pointer.

    Other filters count as a difference. A file of more than 16 GiB goes by its size and time. Raises OSError.
    """
    about = os.stat(file)
    if about.st_size > MOST_HASHED:
        return f"{about.st_size} bytes of {about.st_mtime_ns}"
    algorithm = "sha1" if repository is None else repository.algorithm
    own = hash_of(file, algorithm)
    if known is None or repository is None or own == known:
        return own
    if hash_of(file, algorithm, text=True) == known:
        return known
    pointer = repository.read(known, place, LARGEST_POINTER)
    return known if pointer is not None and _is_pointer_to(pointer, file, about.st_size) else own


def hash_of(file: str | os.PathLike[str], algorithm: str = "sha1", *, text: bool = False) -> str:
    """The name that git would give to a file's content; ``text``: with the line ends that text has in git. Raises
    OSError."""
    with safe_files.opened(file) as stream:
        if text and b"\0" not in stream.read(TEXT):
            size = sum(map(len, _lines_ending_in_lf(stream)))
            pieces = _lines_ending_in_lf(stream)
        else:
            size = os.fstat(stream.fileno()).st_size
            pieces = _pieces(stream)
        made = hashlib.new(algorithm, b"blob %d\0" % size, usedforsecurity=False)
        for piece in pieces:
            made.update(piece)
    return made.hexdigest()


def is_pointer(data: bytes) -> bool:
    """Whether a blob is a Git LFS pointer."""
    return data.startswith(POINTER)


def _is_pointer_to(data: bytes, file: str | os.PathLike[str], size: int) -> bool:
    oid, length = OID.search(data), SIZE.search(data)
    if not is_pointer(data) or oid is None or length is None or int(length[1]) != size:
        return False
    with safe_files.opened(file) as stream:
        made = hashlib.sha256()
        for piece in _pieces(stream):
            made.update(piece)
    return made.hexdigest().encode() == oid[1]


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    stream.seek(0)
    while piece := stream.read(PIECE):
        yield piece


def _lines_ending_in_lf(stream: IO[bytes]) -> Iterator[bytes]:
    end = b""
    for piece in _pieces(stream):
        whole = end + piece
        end = b"\r" if whole.endswith(b"\r") else b""
        yield whole[: len(whole) - len(end)].replace(b"\r\n", b"\n")
    yield end
