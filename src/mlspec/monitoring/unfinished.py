"""The retraining that has begun and not ended: what it is of, kept so that a kill at any moment loses nothing.

It is in ``.mlspec/retrain``: ``state`` (sealed: what a checkout brings along counts as nothing), ``rows.parquet`` with
all labelled rows, and ``left.parquet``: those that no model in service was trained on yet, for the next one.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl
from msgspec import Struct

from mlspec import paths
from mlspec.machine import json_values, safe_files, seals, whole_files
from mlspec.monitoring.candidate import Compared
from mlspec.monitoring.retraining import Retraining
from mlspec.store import locks

FOLDER, STATE, ROWS, LEFT, LOCK = "retrain", "state", "rows.parquet", "left.parquet", "lock"
LARGEST = 64 << 20
BUSY = "this project is being retrained by another process"


class Unfinished(Struct, frozen=True, kw_only=True):
    """A retraining: why it began, of which bundle in service, and how far it is.

    ``now``: the time as of which log and labels were read; ``since``: rows up to it are in ``file``, later ones are
    compared on. ``lock``: mlspec.lock before, None where there was none. ``run``, ``package`` (the digest of its
    model), ``compared`` and ``bundle`` are known once each is done.
    """

    format: int = 1
    id: str
    check: Retraining
    stage: str
    served: str
    now: str
    until: str
    since: str
    file: str
    rows: int
    lock: bytes | None = None
    missing: tuple[str, ...] = ()
    run: str = ""
    package: str = ""
    compared: Compared | None = None
    bundle: str = ""
    version: str = ""


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Be the only one who retrains. Raises StoreError where another process does."""
    paths.prepare(home)
    (home / FOLDER).mkdir(exist_ok=True)
    with locks.alone(home / FOLDER / LOCK, BUSY):
        yield


def read(home: Path) -> Unfinished | None:
    """The retraining that has not ended; None where there is none, or what is there was not written here."""
    try:
        content = seals.opened(safe_files.read(home / FOLDER / STATE, LARGEST), seals.key(paths.store(home)))
        return None if content is None else json_values.decode(content, Unfinished)
    except (OSError, ValueError):
        return None


def write(home: Path, state: Unfinished) -> Unfinished:
    """Keep how far it is, synced."""
    paths.store(home).mkdir(parents=True, exist_ok=True)
    content = seals.sealed(msgspec.json.encode(state), seals.make(paths.store(home)))
    whole_files.replace(home / FOLDER / STATE, content)
    return state


def rows(home: Path, name: str = ROWS) -> "pl.DataFrame | None":
    """The kept rows; None where there are none that can be read."""
    file = home / FOLDER / name
    try:
        return pl.read_parquet(file) if file.is_file() and not file.is_symlink() else None
    except (OSError, pl.exceptions.PolarsError):
        return None


def keep(home: Path, table: "pl.DataFrame", name: str = ROWS) -> None:
    """Keep rows, synced."""
    with whole_files.replacing(home / FOLDER / name) as file:
        table.write_parquet(file)


def end(home: Path, left: "pl.DataFrame") -> None:
    """It has ended; ``left``: the rows that wait for the next one."""
    keep(home, left, LEFT)
    for name in (STATE, ROWS):
        (home / FOLDER / name).unlink(missing_ok=True)
