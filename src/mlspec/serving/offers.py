"""What the processes of a service should serve: a file that one process writes, and what each of them says it does."""

import hashlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from mlspec.machine import json_values, whole_files

WANTED, DOES = "wanted.json", "does"
LARGEST = 1 << 16


class Offer(Struct, frozen=True):
    """A bundle: its digest and version, the folder of its package, and the digest of that as answers have it."""

    bundle: str
    version: str
    package: str
    model: str


class Trial(Struct, frozen=True):
    """A candidate: a shadow without ``share``, else the one that answers this share of the keys. ``key``: the field of
    a row that is the key of its request, None for the header."""

    offer: Offer
    share: float | None = None
    key: str | None = None

    def takes(self, key: str) -> bool:
        """Whether it answers the requests with a key: by the SHA-256 of the bundle's digest and the key."""
        first = hashlib.sha256(f"{self.offer.bundle} {key}".encode("utf-8", "surrogatepass")).digest()[:8]
        return self.share is not None and int.from_bytes(first, "big") < self.share * 2**64


class Wanted(Struct, frozen=True):
    """What is in service; what was before, which a rollback wants; a candidate; and why the ledger's own is not served,
    empty where it is."""

    live: Offer
    before: Offer | None = None
    trial: Trial | None = None
    wrong: str = ""


class Does(Struct, frozen=True):
    """What a process serves: the bundles, and why one that it should have is not."""

    live: str
    trial: str = ""
    wrong: str = ""


def want(home: Path, wanted: Wanted) -> None:
    """Write what is wanted, in one step."""
    whole_files.replace(home / WANTED, msgspec.json.encode(wanted), sync=False)


def wanted(home: Path) -> Wanted:
    """What is wanted."""
    return json_values.read(home / WANTED, Wanted, most=LARGEST)


def mark(home: Path) -> tuple[int, int]:
    """What changes whenever ``want`` is called."""
    found = os.stat(home / WANTED)
    return found.st_mtime_ns, found.st_ino


def say(home: Path, does: Does) -> None:
    """Write what this process does."""
    file = home / DOES / str(os.getpid())
    part = file.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(does))
    part.rename(file)


def done(home: Path) -> dict[int, Does]:
    """What each process that is alive does."""
    found = {}
    for file in (home / DOES).iterdir():
        if file.suffix:
            continue
        try:
            os.kill(int(file.name), 0)
            found[int(file.name)] = json_values.read(file, Does, most=LARGEST)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
    return found
