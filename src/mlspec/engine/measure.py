"""What a piece of work takes: seconds, seconds of CPU, and the most memory that the process had meanwhile."""

import os
import time
from datetime import UTC, datetime
from typing import Any


class Measure:
    """Begins when it is made."""

    def __init__(self) -> None:
        _reset_peak()
        self._cpu = _cpu()
        self._began = time.perf_counter()

    def record(self, step: str) -> dict[str, Any]:
        """What was taken since: the record of an action."""
        return {
            "step": step,
            "seconds": round(time.perf_counter() - self._began, 6),
            "cpu_seconds": round(_cpu() - self._cpu, 6),
            "peak_memory": peak_memory(),
            "finished": now(),
        }


def now() -> str:
    """The time, ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _reset_peak() -> None:
    # The kernel then counts the peak anew; without it the figure is that of the whole life of the process.
    try:
        with open("/proc/self/clear_refs", "wb", buffering=0) as file:
            file.write(b"5")
    except OSError:
        pass


def peak_memory() -> int:
    """The most resident memory that this process has had, in bytes."""
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            for line in file.read().splitlines():
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    import resource
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
