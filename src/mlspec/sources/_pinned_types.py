"""What all rows of a source have (types, classes), kept beside the spec with the digests of the files it is from.

An entry counts only where it was written here (see machine/seals.py), and while its files look from outside as they
did, or have the same bytes.
"""

import contextlib
import hashlib
import os
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from mlspec import __version__, paths
from mlspec.diagnostics import SpecError
from mlspec.machine import json_values, safe_files, seals, whole_files
from mlspec.machine.file_digests import SETTLED_NS, Digests
from mlspec.plugins.base import PluginRef, Schema
from mlspec.plugins.source import Source

CACHE = os.path.join(paths.HOME, "cache")
ENTRIES = "types"
MOST_ENTRIES = 256
MOST_LEVELS = 100  # distinct values of a target
SMALL = 16 << 20  # bytes that are read again to see whether they have changed

Values = tuple[tuple[str, ...], bool]
Files = tuple[tuple[str, int, int, int], ...]


class Settled(Struct, frozen=True, array_like=True):
    """What all rows of a source have: its columns, the target's distinct values (the first ones if they are more than
    ``MOST_LEVELS``; None: those of the first rows say enough), how many rows there are (None: not counted), how many of
    these have each of ``levels`` (empty: not counted)."""

    columns: Schema
    levels: tuple[str, ...] | None = None
    rows: int | None = None
    counts: tuple[int, ...] = ()

    def values(self, first: Values | None) -> Values | None:
        """The target's values, and whether these are all; ``first`` are those of the first rows."""
        return first if self.levels is None else (self.levels, len(self.levels) <= MOST_LEVELS)


class Entry(Struct, frozen=True, array_like=True):
    """What was found, the files that it is from (name, size, time of the last change, inode; no time for one that had
    just changed), and the digests of these."""

    settled: Settled
    files: Files
    digests: tuple[str, ...]


def known(root: Path, use: PluginRef, source: Source, target: str) -> Settled | None:
    """What is kept of a source whose files have not changed; None where that is not known."""
    files = files_of(root, source)
    entry = read(root, use, target) if files else None
    if entry is None or entry.files == files:
        return None if entry is None else entry.settled
    is_small = sum(size for _name, size, _time, _inode in files) <= SMALL
    return entry.settled if is_small and entry.digests == digests(root, source) else None


def digests(root: Path, source: Source) -> tuple[str, ...]:
    """The digests of its files' bytes."""
    known = Digests(root / CACHE / "files.json")
    return tuple(known.of(path) for path in source.files(root).values())


def files_of(root: Path, source: Source, *, fresh: bool = True) -> Files:
    found = []
    for name, path in source.files(root).items():
        status = path.stat()
        changed = status.st_mtime_ns
        if not fresh and time.time_ns() - changed < SETTLED_NS:
            changed = 0
        found.append((name, status.st_size, changed, status.st_ino))
    return tuple(found)


def _name(use: PluginRef, target: str) -> str:
    asked = [__version__, use.name, use.plugin.version, msgspec.to_builtins(use.plugin), target]
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()


def read(root: Path, use: PluginRef, target: str) -> Entry | None:
    folder = root / CACHE
    try:
        content = seals.opened(safe_files.read(folder / ENTRIES / _name(use, target)), seals.key(folder))
        return None if content is None else json_values.decode(content, Entry)
    except (OSError, ValueError):
        return None


def keep(root: Path, use: PluginRef, target: str, entry: Entry) -> None:
    folder = root / CACHE
    with contextlib.suppress(OSError, SpecError):
        paths.prepare(paths.home(root))
        (folder / ENTRIES).mkdir(parents=True, exist_ok=True)
        paths.demand_no_link(folder / ENTRIES)
        content = seals.sealed(msgspec.json.encode(entry), seals.make(folder))
        whole_files.replace(folder / ENTRIES / _name(use, target), content, sync=False)
        entries = sorted((folder / ENTRIES).iterdir(), key=lambda path: path.lstat().st_mtime_ns)
        for old in entries[:-MOST_ENTRIES]:
            old.unlink(missing_ok=True)
