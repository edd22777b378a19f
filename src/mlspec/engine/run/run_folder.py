"""A run's folder: created when there is something to do; records every event, and finally the run itself."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from mlspec import paths
from mlspec.engine.events import AnyEvent, Listener
from mlspec.engine.run import run_record
from mlspec.store import files


class Journal:
    """Events go to the listener at once, and to the folder once ``open`` has made it."""

    def __init__(self, home: Path, listener: Listener | None) -> None:
        time = datetime.now(UTC)
        # By name is by time, for runs that follow each other at once too.
        self.id = f"{time:%Y%m%dT%H%M%S}{time.microsecond // 1000:03}Z-{secrets.token_hex(2)}"
        self.folder = paths.runs(home) / self.id
        self._listener = listener
        self._early: list[AnyEvent] = []
        self._file: IO[bytes] | None = None

    @property
    def logs(self) -> Path:
        """Where steps write what they print."""
        return self.folder / "logs"

    @property
    def opened(self) -> bool:
        """Whether there was something to do."""
        return self._file is not None

    def open(self) -> None:
        """Make the folder and write down what has happened before."""
        if self.opened:
            return
        self.folder.mkdir(parents=True)
        self._file = (self.folder / run_record.EVENTS).open("ab", buffering=0)
        self._file.write(b"".join(_line(event) for event in self._early))
        self._early.clear()

    def tell(self, event: AnyEvent) -> None:
        """Record an event and pass it to the listener."""
        if self._file is None:
            self._early.append(event)
        else:
            self._file.write(_line(event))
        if self._listener is not None:
            self._listener(event)

    def write(self, run: run_record.Run) -> None:
        """Write the run itself, if there is a folder."""
        if self._file is not None:
            files.replace(self.folder / run_record.FILE, run_record.encode(run))

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()


def _line(event: AnyEvent) -> bytes:
    return msgspec.json.encode(event) + b"\n"
