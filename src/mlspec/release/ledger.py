"""The ledger of a registry: what was released, approved, promoted and rolled back, a JSON line for each.

Lines are only ever added, each with the digest of the line before it, written at once and synced. A line that a kill
has cut off is no entry: the next one takes its place. Changed, missing or swapped lines break the chain, and nothing
more is done with such a ledger. That the last lines were cut off cannot be seen from the file alone.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.machine import json_values, safe_files
from mlspec.release.bundle import Digest
from mlspec.store import locks
from mlspec.store.files import sync_folder

FILE = "ledger.jsonl"
LOCK = ".lock"
FIRST = "0" * 64
LARGEST = 256 << 20
Event = Literal[
    "released", "approved", "promoted", "rolled_back", "incident", "restored",
    "rollout_started", "canary_started", "rollout_passed", "rollout_stopped",
]  # fmt: skip


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that happened to a bundle: its place in the ledger, the digest of the line ``before``, when, ``who``
    did it as they said themselves, and on what ``evidence``. An approval has the ``key`` and the ``signature``."""

    format: Literal[1] = 1
    number: int = 0
    before: str = ""
    time: str = ""
    event: Event
    project: str
    version: str
    bundle: Digest
    who: str
    stage: str = ""
    reason: str = ""
    evidence: dict[str, str] = {}
    key: str = ""
    signature: str = ""


class Ledger(Struct, frozen=True):
    """The entries of a ledger, the digest of the last line, and how many bytes all whole lines take."""

    entries: tuple[Entry, ...] = ()
    head: str = FIRST
    size: int = 0


def read(registry: Path) -> Ledger:
    """The ledger of a registry; an empty one where there is none. Raises SpecError where its chain is broken."""
    file = registry / FILE
    try:
        content = safe_files.read(safe_files.inside(registry, FILE), LARGEST)
    except FileNotFoundError:
        return Ledger()
    except (OSError, safe_files.UnsafePathError) as error:
        raise _damaged(file, str(error)) from None
    entries: list[Entry] = []
    head, size = FIRST, 0
    for text in content.split(b"\n")[:-1]:  # what follows the last line break was cut off
        line = text + b"\n"
        number = len(entries) + 1
        try:
            entry = json_values.decode(line, Entry)
            datetime.fromisoformat(entry.time)
        except ValueError as error:
            raise _damaged(file, f"line {number}: {error}") from None
        if entry.before != head or entry.number != number:
            raise _damaged(file, f"line {number} does not follow line {number - 1}")
        entries.append(entry)
        head, size = hashlib.sha256(line).hexdigest(), size + len(line)
    return Ledger(tuple(entries), head, size)


@contextlib.contextmanager
def writing(registry: Path) -> Iterator[Ledger]:
    """Be the only one who writes to a registry; the ledger as it is then. Raises as ``read``."""
    registry.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(registry / LOCK):
        yield read(registry)


def append(registry: Path, ledger: Ledger, entry: Entry) -> Ledger:
    """Add an entry, synced; to be called within ``writing``. Raises OSError, and nothing was added then."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry = replace(entry, number=len(ledger.entries) + 1, before=ledger.head, time=time)
    line = msgspec.json.encode(entry) + b"\n"
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(registry / FILE, flags, 0o644)
    try:
        if os.fstat(handle).st_size != ledger.size:
            os.ftruncate(handle, ledger.size)  # a line that was cut off
        try:
            _write(handle, line)
            os.fsync(handle)
        except BaseException:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, ledger.size)
            raise
    finally:
        os.close(handle)
    if not ledger.entries:
        sync_folder(registry)
    return Ledger((*ledger.entries, entry), hashlib.sha256(line).hexdigest(), ledger.size + len(line))


def _write(handle: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _damaged(file: Path, text: str) -> SpecError:
    message, note = f"the ledger '{file}' is damaged: {text}", "restore it from a copy; nothing was changed"
    return SpecError([Diagnostic(code="ledger-damaged", message=message, notes=(note,))])
