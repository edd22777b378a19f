"""What this machine lets us use: its cores and memory less what affinity and control groups take away."""

import os
import resource
import sys
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
# Libraries that add numbers up on many threads round differently with their number, and a data engine even from run to
# run. One thread each, and a step has the same result on every machine and beside any other step.
LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


def cores() -> int:
    """The cores that this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    shares = [int(quota) / int(period) for quota, period in _quotas() if quota not in ("max", "-1")]
    return max(1, min([allowed, *(int(share) for share in shares)]))


def memory() -> int | None:
    """The memory that is free for this process in bytes; None if unknown."""
    free = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
    except OSError:
        pass
    for group in _groups():
        limit, used = _text(group / "memory.max"), _text(group / "memory.current")
        if limit.isdigit() and used.isdigit():
            free.append(max(0, int(limit) - int(used)))
    for group in _old_groups("memory"):
        limit, used = _text(group / "memory.limit_in_bytes"), _text(group / "memory.usage_in_bytes")
        if limit.isdigit() and used.isdigit():
            free.append(max(0, int(limit) - int(used)))
    return min(free, default=None)


# The data engine's allocator keeps what is freed, and only marks it as reclaimable; a limit counts that.
ALLOCATOR = {"_RJEM_MALLOC_CONF": "background_thread:true,dirty_decay_ms:200,muzzy_decay_ms:0"}


def threads(engine: int = 1) -> dict[str, str]:
    """The environment that holds numeric libraries to one thread, and the data engine to that many; they read it when
    they are first imported."""
    return {**dict.fromkeys(LIMITS, "1"), "POLARS_MAX_THREADS": str(engine), **ALLOCATOR}


def _quotas() -> list[tuple[str, str]]:
    found = []
    for group in _groups():
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if period:
            found.append((quota, period))
    for group in _old_groups("cpu"):
        quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        if quota and period:
            found.append((quota, period))
    return found


def _old_groups(controller: str) -> list[Path]:
    """The control groups (version 1) that this process is in for a controller, the innermost first."""
    for line in _text(MEMBERSHIP).splitlines():
        _number, controllers, place = line.split(":", 2)
        if controller in controllers.split(","):
            for name in (controller, controllers):
                own = GROUPS / name / place.strip("/")
                found = [group for group in (own, *own.parents) if group.is_relative_to(GROUPS / name)]
                if any(group.is_dir() for group in found):
                    return found
    return [GROUPS / controller]


def _groups() -> list[Path]:
    """The control groups (version 2) that this process is in, the innermost first."""
    for line in _text(MEMBERSHIP).splitlines():
        if line.startswith("0::"):
            own = GROUPS / line[3:].strip("/")
            return [group for group in (own, *own.parents) if group.is_relative_to(GROUPS)]
    return [GROUPS]


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def peak_memory() -> int:
    """The most resident memory that this process has had, in bytes."""
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            for line in file.read().splitlines():
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
