"""What a running step may take, and what its processes hold of memory."""

import os
import time

from mlspec.graph.show.text import duration

LOOKS = 0.2  # seconds between two looks at the memory of running steps


def left(seconds: float | None, began: float) -> float | None:
    """The seconds that are left of a time that began then; None where it has no end."""
    return None if seconds is None else max(0.0, began + seconds - time.monotonic())


def step_over(seconds: float) -> str:
    """Why a step was ended, in words."""
    return f"it took longer than backend.step_timeout allows ({duration(seconds)})"


def run_over() -> str:
    """Why a run was ended, in words."""
    return "the run took longer than backend.run_timeout allows; results so far are kept"


def too_much(held: int, total: int, allowed: int) -> str:
    """Why a step was ended for what it held of memory, in words."""
    beside = "" if held == total else f" ({total / 1e6:,.0f} MB together with the other running steps)"
    return f"it took {held / 1e6:,.0f} MB of memory{beside}, but backend.memory allows {allowed / 1e6:,.0f} MB"


def held(group: int) -> int:
    """The private main memory of a group of processes in bytes, 0 if unknown.

    Pages of files, and pages shared by processes, are not counted.
    """
    total = 0
    try:
        names = os.listdir("/proc")
    except OSError:
        return 0
    for name in names:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                    # The name of a program is in brackets and may hold anything.
                    fields = file.read().rpartition(b")")[2].split()
                if int(fields[2]) == group:
                    total += _own(name)
            except (OSError, ValueError, IndexError):
                continue
    return total


def own() -> int:
    """The bytes of main memory that this process and those that it has started have for themselves; 0 if unknown."""
    return _with_children(str(os.getpid()))


def _with_children(process: str) -> int:
    try:
        total, threads = _own(process), os.listdir(f"/proc/{process}/task")
    except OSError:
        return 0
    for thread in threads:
        try:
            with open(f"/proc/{process}/task/{thread}/children", "rb", buffering=0) as file:
                total += sum(_with_children(child.decode()) for child in file.read().split())
        except OSError:
            continue
    return total


def _own(process: str) -> int:
    with open(f"/proc/{process}/status", "rb", buffering=0) as file:
        found = [line.split() for line in file.read().splitlines() if line.startswith((b"RssAnon:", b"RssShmem:"))]
    return sum(int(words[1]) * 1024 for words in found)
