"""What a piece of work takes: seconds, seconds of CPU, and the memory that it had meanwhile."""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Any

from mlspec.engine import limits
from mlspec.machine import resources

OFTEN = 0.1  # seconds between two looks at the memory, at first
LOOKS = 120  # so many at most: of a longer work every second one is kept


class Measure:
    """Begins when it is made; ``watched``: the memory is looked at all the time, until the record is asked for."""

    def __init__(self, *, watched: bool = False) -> None:
        _reset_peak()
        self._cpu = _cpu()
        self._watch = _Watch() if watched else None
        self._began = time.perf_counter()

    def record(self, step: str) -> dict[str, Any]:
        """What was taken since: the record of an action."""
        seen = {} if self._watch is None else self._watch.end()
        return {
            "step": step,
            "seconds": round(time.perf_counter() - self._began, 6),
            "cpu_seconds": round(_cpu() - self._cpu, 6),
            "peak_memory": resources.peak_memory(),
            "finished": now(),
            **seen,
        }

    def end(self) -> None:
        """Stop measuring: the record is not needed."""
        if self._watch is not None:
            self._watch.end()


class _Watch:
    """Looks at what this process and those that it has started have of memory for themselves."""

    def __init__(self) -> None:
        self._every, self._own = OFTEN, [limits.own()]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> dict[str, Any]:
        """What was seen: ``every`` so many seconds so many bytes (``own``); nothing if unknown."""
        self._ended.set()
        self._thread.join()
        if not self._own[0]:
            return {}
        return {"memory": {"every": self._every, "own": [*self._own, limits.own()]}}

    def _look(self) -> None:
        while not self._ended.wait(self._every):
            self._own.append(limits.own())
            if len(self._own) > LOOKS:
                # Of two neighbours the greater: a peak is not lost.
                self._own = [max(pair) for pair in zip(self._own[::2], [*self._own[1::2], 0], strict=True)]
                self._every *= 2


def now() -> str:
    """The time, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _reset_peak() -> None:
    # The kernel then resets the peak; without it the figure is that of the whole life of the process.
    try:
        with open("/proc/self/clear_refs", "wb", buffering=0) as file:
            file.write(b"5")
    except OSError:
        pass
