"""What a worker is doing, in a file that both it and its parent map: the parent knows it when the worker has died."""

import mmap
import struct
import time
from pathlib import Path

MOST = 4 << 20
_HEAD = struct.Struct("<QQQ32s")


class Slate:
    """The input at hand: when its execution began, its target, its bytes."""

    def __init__(self, path: Path, *, new: bool = False) -> None:
        if new:
            path.write_bytes(b"\0" * MOST)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), MOST)

    def write(self, target: str, data: bytes, untold: int = 0) -> None:
        """Say what is executed from now on, after so many executions that the parent does not know of yet."""
        data = data[: MOST - _HEAD.size]
        self._map[_HEAD.size : _HEAD.size + len(data)] = data
        _HEAD.pack_into(self._map, 0, time.monotonic_ns(), len(data), untold, target.encode())

    def clear(self) -> None:
        """Say that nothing is executed."""
        _HEAD.pack_into(self._map, 0, 0, 0, 0, b"")

    def read(self) -> tuple[str, bytes, float]:
        """The target, the input, and for how many seconds it has been executed; an empty target for none."""
        began, size, _untold, target = _HEAD.unpack_from(self._map, 0)
        if not began:
            return "", b"", 0.0
        data = self._map[_HEAD.size : _HEAD.size + size]
        return target.rstrip(b"\0").decode(), data, (time.monotonic_ns() - began) / 1e9

    def untold(self) -> int:
        """How many executions of the target were done before this one and not reported."""
        return int(_HEAD.unpack_from(self._map, 0)[2])
