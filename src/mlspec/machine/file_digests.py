"""Digests of files outside the store, with a cache that spares reading a file that has not been touched."""

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mlspec.machine import json_values, safe_files, whole_files

READ = 1 << 20
# A file written within this time of its digest may be written again without its time changing.
SETTLED_NS = 2_000_000_000


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What a file looked like from outside when its digest was taken."""

    size: int
    mtime_ns: int
    inode: int
    sha256: str


class Digests:
    """Digests files and folders, sha256 in hex, remembering them in one JSON file.

    The cache is a convenience: when it is damaged or cannot be written it is as if there were none.
    """

    def __init__(self, cache: Path | None) -> None:
        self._cache = cache
        self._entries: dict[str, Entry] = {}
        self._changed = False
        if cache is not None:
            try:
                self._entries = json_values.decode(safe_files.read(cache), dict[str, Entry])
            except (OSError, ValueError):
                self._entries = {}

    def of(self, path: Path) -> str:
        """The digest of a file's bytes, or of a folder's files and their names. Raises OSError if it can't be read."""
        if path.is_dir():
            return self._folder(path)
        status = path.stat()
        key = str(path.absolute())
        known = self._entries.get(key)
        seen = (status.st_size, status.st_mtime_ns, status.st_ino)
        if known is not None and (known.size, known.mtime_ns, known.inode) == seen:
            return known.sha256
        digest = hash_file(path)
        if _now_ns() - status.st_mtime_ns > SETTLED_NS:
            self._entries[key] = Entry(*seen, digest)
            self._changed = True
        return digest

    def save(self) -> None:
        """Write the cache, whole or not at all, if anything in it changed."""
        if self._cache is None or not self._changed:
            return
        if any(folder.is_symlink() for folder in (self._cache.parent, self._cache.parent.parent)):
            # Git can carry links: it would be written into a folder that is not ours.
            return
        with contextlib.suppress(OSError, UnicodeEncodeError):
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            whole_files.replace(self._cache, msgspec.json.encode(self._entries), sync=False)

    def _folder(self, path: Path) -> str:
        total = hashlib.sha256()
        for file in sorted(_walk(path)):
            total.update(f"{file.relative_to(path).as_posix()}\0{self.of(file)}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()


def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with safe_files.opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _walk(folder: Path) -> Iterable[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        yield from (Path(base, name) for name in names if not name.startswith("."))


def _now_ns() -> int:
    import time

    return time.time_ns()
