"""One execution: what came of it, what it took, and whether that is a finding."""

import os
import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType, SimpleNamespace
from typing import NamedTuple

from mlspec.diagnostics import MlspecError

SECONDS, MEGABYTES = 1.0, 200
WAIT = 90  # s: above what a look in a child process may take
DIGITS = sys.get_int_max_str_digits()
Target = ModuleType | SimpleNamespace
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB\s+VmRSS:\s+(\d+) kB")


class Hang(BaseException):
    """An execution did not finish."""


class Finding(NamedTuple):
    """What a target must not do: ``key`` is the same for what has one cause."""

    kind: str
    key: str
    detail: str


class Verdict(NamedTuple):
    """What came of an input; ``growth`` is in MB at its peak, ``cpu`` in seconds, both with those of children."""

    outcome: str
    finding: Finding | None
    cpu: float
    growth: float


def judge(target: Target, data: bytes, scratch: Path, *, limits: bool = True) -> Verdict:
    """Run a target on an input. Only what the commands turn into a message may come out of it."""
    before, cpu = _memory(start=True), _cpu()
    finding: Finding | None = None
    sys.set_int_max_str_digits(DIGITS)
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, WAIT)
    try:
        outcome = str(target.one(data, scratch) or "ok")
    except MlspecError as error:
        codes = sorted({one.code for one in getattr(error, "diagnostics", ())})
        outcome = f"{type(error).__name__} {','.join(codes)}"
    except OSError as error:
        outcome = "OSError"
        if error.filename is None:
            finding = _raised(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        outcome, finding = type(error).__name__, _raised(error)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.set_int_max_str_digits(0)  # mutations write longer ones
    took, growth = _cpu() - cpu, (_memory(start=False) - before) / 1024
    if finding is None and limits and took > SECONDS:
        finding = Finding("slow", f"slow {outcome}", f"{took:.2f} s of CPU")
    if finding is None and limits and growth > MEGABYTES:
        finding = Finding("large", f"large {outcome}", f"{growth:.0f} MB")
    return Verdict(outcome, finding, took, growth)


def confirmed(target: Target, data: bytes, scratch: Path, *, limits: bool = True) -> Verdict:
    """The same, and what is slow or large is so a second time: a first import or another process is no finding."""
    found = judge(target, data, scratch, limits=limits)
    if found.finding is not None and found.finding.kind in ("slow", "large"):
        return judge(target, data, scratch, limits=limits)
    return found


def smallest(data: bytes, is_same: Callable[[bytes], bool], seconds: float) -> bytes:
    """The input with all the stretches left out that its finding does without, as far as there is time."""
    until, width = time.monotonic() + seconds, max(1, len(data) // 2)
    while width and time.monotonic() < until:
        at = 0
        while at < len(data) and time.monotonic() < until:
            shorter = data[:at] + data[at + width :]
            if is_same(shorter):
                data = shorter
            else:
                at += width
        width //= 2
    return data


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise Hang(f"no end after {WAIT} s")


def _raised(error: BaseException) -> Finding:
    name = type(error).__name__
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if "mlspec" in f.filename and "tests" not in f.filename
    ]
    where = [f"{os.path.basename(f.filename)}:{f.name}" for f in frames[-2:]]
    if not where:  # said by the target itself: what it said tells it from other things
        where = [str(error).partition(":")[0][:40]]
    text = "".join(traceback.format_exception(error))
    return Finding("hang" if isinstance(error, Hang) else "exception", " ".join((name, *where)), text[-6000:])


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _memory(*, start: bool) -> float:
    """The peak of resident memory in kB since the start, which is now with ``start``; linux alone tells it."""
    try:
        if start:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        with open("/proc/self/status") as file:
            found = _PEAK.search(file.read())
        assert found is not None
        return float(found[2 if start else 1])
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
