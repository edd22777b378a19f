"""Faults at every system call that a command makes on a folder: killed there, or given a full disk.

strace puts them in, so nothing of the command has to be changed. Its counters run for each thread of its own: the n-th
call is the n-th of whichever thread comes there first.
"""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

CHANGES = ("write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat")
NAMES = ("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "openat", "chmod", "fchmod", "fchmodat", "flock")
# What fails on a full disk; a name can always be taken away.
FILLS = frozenset(
    {"write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "link", "linkat", "mkdir", "openat"}
)
CREATES = re.compile(r"O_CREAT")


class Point(Struct, frozen=True, order=True):
    """The ``count``-th call of a system call in a thread; ``sure``: in every thread that makes as many, it changes the
    folder."""

    call: str
    count: int
    sure: bool = True


class Ended(Struct, frozen=True):
    """How a command ended: its exit code (negative for a signal), what it printed, whether the fault was put in."""

    code: int
    output: str
    hit: bool


def points(command: Sequence[str], folder: Path, log: Path, code: int = 0) -> list[Point]:
    """The calls with which a command changes something in a folder, from a run that nothing disturbs.

    Raises RuntimeError when strace can't trace here, or the command does not end with ``code``.
    """
    traced = ",".join((*CHANGES, *NAMES))
    ended = _run(["strace", "-f", "-y", "-qq", "-e", f"trace={traced}", "-e", "signal=none", "-o", str(log), *command])
    if ended.returncode != code:
        raise RuntimeError(f"exit code {ended.returncode}: {ended.stdout}")
    found: set[tuple[str, int]] = set()
    elsewhere: set[tuple[str, int]] = set()
    counts: Counter[tuple[str, str]] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+)\s+(\w+)\((.*)", line)
        if match is None:
            continue
        thread, call, rest = match.groups()
        counts[thread, call] += 1
        here = str(folder) in rest and (call != "openat" or CREATES.search(rest) is not None)
        (found if here else elsewhere).add((call, counts[thread, call]))
    return sorted(Point(call, count, (call, count) not in elsewhere) for call, count in found)


def killed(command: Sequence[str], point: Point, log: Path) -> Ended:
    """The command, with the process killed that comes to this point first."""
    return _inject(command, f"{point.call}:signal=KILL:when={point.count}", log)


def full(
    command: Sequence[str],
    point: Point,
    log: Path,
    *,
    for_good: bool,
    error: str = "ENOSPC",
    folder: Path | None = None,
) -> Ended:
    """The command on a disk that is full at this point (or fails with another ``error``); ``for_good``: and stays so
    for calls of this kind. With ``folder`` a fault counts as put in only where the call was about that folder."""
    fault = f"{point.call}:error={error}:when={point.count}{'+' if for_good else ''}"
    return _inject(command, fault, log, "" if folder is None else str(folder))


def fillable(found: Iterable[Point]) -> list[Point]:
    """The points at which a disk can turn out to be full: reading a file never reports that."""
    return [point for point in found if point.call in FILLS and point.sure]


def _inject(command: Sequence[str], fault: str, log: Path, where: str = "") -> Ended:
    call = fault.partition(":")[0]
    done = _run(["strace", "-f", "-y", "-qq", "-e", f"trace={call}", "-e", f"inject={fault}", "-o", str(log), *command])
    lines = log.read_text(errors="replace").splitlines()
    hit = any("killed by SIGKILL" in line or ("(INJECTED)" in line and where in line) for line in lines)
    return Ended(done.returncode, done.stdout, hit)


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Ends when the last process that the command has started is gone: each of them holds the pipe that is read."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env=environment,
        timeout=120,
    )
