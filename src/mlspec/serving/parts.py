"""Rows that wait to be written, by a thread of their own: Parquet parts of some seconds, or of many rows.

A part is written under a name that ends in ``.tmp`` and renamed, so that a reader sees whole parts alone and a process
that is killed loses what it has not written.
"""

import datetime
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import polars as pl

UNFINISHED = ".tmp"
Entry = TypeVar("Entry")


class Waiting(Generic[Entry]):
    """Entries that ``write`` gets after ``seconds``, or once they are ``many`` rows; at most ``most`` rows wait."""

    def __init__(
        self, write: Callable[[list[Entry]], None], *, seconds: float, many: int, most: int, name: str
    ) -> None:
        self._write, self._seconds, self._many, self._most = write, seconds, many, most
        self._entries: deque[tuple[Entry, int]] = deque()
        self._rows, self._lock = 0, threading.Lock()
        self._full, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._write_on, name=name, daemon=True)
        self._thread.start()

    def put(self, entry: Entry, rows: int) -> bool:
        """Let an entry wait; whether there is room for its rows."""
        with self._lock:
            if self._rows + rows > self._most:
                return False
            self._entries.append((entry, rows))
            self._rows += rows
        if self._rows >= self._many:
            self._full.set()
        return True

    def close(self) -> None:
        """Write what is left."""
        self._ended = True
        self._full.set()
        self._thread.join()

    def _write_on(self) -> None:
        while not self._ended:
            self._full.wait(self._seconds)
            self._full.clear()
            self._take()
        self._take()

    def _take(self) -> None:
        with self._lock:
            taken, self._entries, self._rows = self._entries, deque(), 0
        if taken:
            self._write([entry for entry, _ in taken])


class Names:
    """Names of parts that no other process gives: in the order of their times."""

    def __init__(self) -> None:
        self._name, self._count = f"{os.getpid()}-{secrets.token_hex(4)}", 0

    def next(self, time: datetime.datetime, form: str) -> str:
        """The name of the next part; ``form`` says how much of its time is in it."""
        self._count += 1
        return f"{time.strftime(form)}-{self._name}-{self._count:06}.parquet"


def write(part: Path, table: "pl.DataFrame") -> None:
    """Write a part, to the disk, and then under its name. Raises OSError."""
    unfinished = part.with_name(part.name + UNFINISHED)
    with unfinished.open("xb") as file:
        table.write_parquet(file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(part)
