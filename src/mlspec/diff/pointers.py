"""Data that a version only points to: ``.dvc`` files, ``dvc.lock``, Git LFS. The digest in a pointer is the data's
version, whether or not the data is here.

Pointers are read as text with mlspec's own reader of YAML; neither DVC nor LFS is started. What can't be read is none.
"""

import hashlib
import os
import posixpath
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct

from mlspec.diagnostics import SpecError
from mlspec.diff import blobs
from mlspec.diff.version import Version, content, file_here, token
from mlspec.document import parse
from mlspec.machine import safe_files

MOST = 1 << 20  # bytes of a pointer
MOST_STAGES = 10_000
MOST_PARENTS = 32
LFS, SUFFIX, LOCK = "Git LFS", ".dvc", "dvc.lock"
DIGESTS = ("md5", "etag", "checksum", "version_id")


class Pointer(Struct, frozen=True):
    """What a pointer says of data: its digest, the algorithm where the digest is that of the bytes, its size, and the
    file that says so."""

    digest: str
    algorithm: str | None
    size: int | None
    file: str

    @property
    def token(self) -> str:
        """What identifies the data."""
        return f"{self.algorithm or 'data'}:{self.digest}"


def is_one(token: str) -> bool:
    """Whether what identifies data comes from a pointer."""
    return ":" in token


def pointer(version: Version, path: str) -> Pointer | None:
    """What a version says of the data at a path beside the spec; None where nothing points to it."""
    data = content(version, path, blobs.LARGEST_POINTER)
    if data is not None and blobs.is_pointer(data):
        oid, size = blobs.OID.search(data), blobs.SIZE.search(data)
        return None if oid is None else Pointer(oid[1].decode(), "sha256", int(size[1]) if size else None, LFS)
    path = posixpath.normpath(path.replace(os.sep, "/"))
    return _dvc_file(version, path) or _dvc_lock(version, path)


def identified(version: Version, path: str, other: Version) -> tuple[str | None, str | None]:
    """What identifies the content of a file or a folder beside a spec, so that data and a pointer to it are the same;
    and a note where the data here is not what its pointer says."""
    own, mine = token(version, path, other), pointer(version, path)
    if mine is not None and (own is None or mine.file == LFS or mine.algorithm is None):
        return mine.token, None
    for known in (pointer(other, path), mine):
        if own is not None and known is not None and _is_of(version, path, known):
            return known.token, None
    if mine is not None:
        return own, f"'{path}' is not the data that {mine.file} names: dvc add {path}, or dvc checkout"
    return own, None


def _is_of(version: Version, path: str, known: Pointer) -> bool:
    """Whether the data in a version has the digest of a pointer."""
    if known.algorithm is None:
        return False
    made = hashlib.new(known.algorithm, usedforsecurity=False)
    if version.commit is not None:
        data = content(version, path)
        if data is None or (known.size is not None and len(data) != known.size):
            return False
        made.update(data)
        return made.hexdigest() == known.digest
    file = file_here(version, path)
    try:
        if file is None or not os.path.isfile(file):
            return False
        if known.size is not None and os.stat(file).st_size != known.size:
            return False
        with safe_files.opened(file) as stream:
            while piece := stream.read(blobs.PIECE):
                made.update(piece)
    except OSError:
        return False
    return made.hexdigest() == known.digest


def _dvc_file(version: Version, path: str) -> Pointer | None:
    """The pointer in ``path.dvc``, or in that of a folder around it."""
    at = path
    for _ in range(MOST_PARENTS):
        if posixpath.basename(at) in ("", ".", ".."):
            return None
        said = _read(version, at + SUFFIX)
        folder = posixpath.join(posixpath.dirname(at), str(said.get("wdir", ".")))
        if (found := _among(version, said.get("outs"), folder, path, at + SUFFIX)) is not None:
            return found
        at = posixpath.dirname(at)
    return None


def _dvc_lock(version: Version, path: str) -> Pointer | None:
    """The pointer in the ``dvc.lock`` beside the spec, or in a folder around it: as an output of a stage, else as what
    one depends on. Working folders of stages (``wdir``) are not considered."""
    levels = 0 if version.repository is None else len([part for part in version.folder.split("/") if part])
    for level in range(min(levels, MOST_PARENTS) + 1):
        folder = "/".join([".."] * level) or "."
        file = posixpath.normpath(posixpath.join(folder, LOCK))
        stages = _read(version, file).get("stages")
        listed = list(stages.values())[:MOST_STAGES] if isinstance(stages, dict) else []
        for part in ("outs", "deps"):
            for stage in listed:
                entries = stage.get(part) if isinstance(stage, dict) else None
                if (found := _among(version, entries, folder, path, file)) is not None:
                    return found
    return None


def _read(version: Version, path: str) -> dict[str, Any]:
    text = content(version, path, MOST)
    return {} if text is None else _parsed(text)


@lru_cache(maxsize=8)
def _parsed(text: bytes) -> dict[str, Any]:
    """A pointer's text as plain data; many specs of a repository ask the same ``dvc.lock``."""
    try:
        said = parse(text, LOCK).data
    except SpecError:
        return {}
    return said if isinstance(said, dict) else {}


def _among(version: Version, entries: object, folder: str, path: str, file: str) -> Pointer | None:
    """The entry of a pointer for a path, or for a folder around it. Paths are compared from the repository's root."""
    path = posixpath.normpath(posixpath.join(version.folder, path))
    for entry in _mappings(entries):
        named = entry.get("path")
        digest = next((str(entry[name]) for name in DIGESTS if entry.get(name)), None)
        if not isinstance(named, str) or digest is None:
            continue
        place = posixpath.normpath(posixpath.join(version.folder, folder, named))
        if place != path and not path.startswith(f"{place}/"):
            continue
        # DVC before 3.0 changes line ends before it hashes; the digest of a folder is that of a list.
        is_plain = place == path and entry.get("hash") == "md5" and "md5" in entry and not digest.endswith(".dir")
        size = entry.get("size") if is_plain else None
        inner = path.removeprefix(place)
        return Pointer(digest + inner, "md5" if is_plain else None, size if isinstance(size, int) else None, file)
    return None


def _mappings(entries: object) -> Iterator[dict[str, Any]]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry
