"""What is known of the pieces of a search that are done: one line each, on the disk before the next one begins."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mlspec.machine import json_values


class Piece(msgspec.Struct, frozen=True):
    """A stretch of a trial's training: the trial, its point, and the epochs after which it stops."""

    trial: int
    point: dict[str, Any]
    until: int


class Result(msgspec.Struct, frozen=True):
    """What a piece gave: its score on the validation rows (greater is better), how many epochs there were in all and
    whether more may follow; or why it failed."""

    trial: int
    point: dict[str, Any]
    until: int
    score: float | None
    epochs: int
    paused: bool
    seconds: float
    error: str | None = None


class Journal:
    """Results in a file that is only added to; a torn last line is that of a piece which is done again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[int, int], Result] = {}
        whole = 0
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            text = b""
        for line in text.splitlines(keepends=True):
            try:
                result = json_values.decode(line, Result)
            except ValueError:
                break
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            self._known[result.trial, result.until] = result
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self._file.truncate(whole)
        self._file.seek(whole)

    def find(self, piece: Piece) -> Result | None:
        """The result of a piece; None where it isn't known, or was another point's."""
        known = self._known.get((piece.trial, piece.until))
        return known if known is not None and known.point == piece.point else None

    def add(self, results: Sequence[Result]) -> None:
        """Write results down for good."""
        self._file.write(b"".join(msgspec.json.encode(result) + b"\n" for result in results))
        os.fsync(self._file.fileno())
        self._known.update({(result.trial, result.until): result for result in results})

    def close(self) -> None:
        """Close the file."""
        self._file.close()
