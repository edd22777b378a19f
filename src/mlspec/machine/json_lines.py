"""Lines of JSON from another process: what is malformed or too long is an error in words."""

from typing import Any, Generic, TypeVar

from mlspec.machine import json_values

LARGEST = 16 << 20  # bytes of a line
T = TypeVar("T")


class Lines(Generic[T]):
    """What a process writes, as reports of a type (a union of structs); ``trouble`` says why no more can be read."""

    def __init__(self, kind: Any) -> None:
        self._kind, self._rest, self.trouble = kind, b"", ""

    def feed(self, data: bytes) -> list[T]:
        """The reports that are whole with these bytes."""
        found: list[T] = []
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines if not self.trouble else ():
            if line:
                try:
                    found.append(decoded(line, self._kind))
                except ValueError as error:
                    self.trouble = str(error)
                    break
        if len(self._rest) > LARGEST:
            self.trouble = self.trouble or _too_long()
        if self.trouble:
            self._rest = b""
        return found


def decoded(line: bytes, kind: Any) -> Any:
    """One report. Raises ValueError where it is too long, no JSON, or of another type."""
    if len(line) > LARGEST:
        raise ValueError(_too_long())
    try:
        return json_values.decode(line, kind)
    except ValueError as error:
        raise ValueError(f"its report can't be read: {error}") from None


def _too_long() -> str:
    return f"its report is longer than {LARGEST >> 20} MiB"
