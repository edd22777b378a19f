"""A child process that reads files of a stranger: its limits, its environment, its end with the one that started it."""

import os
import signal
import sys

KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONUTF8", "SYSTEMROOT")
PR_SET_PDEATHSIG = 1


def environment(**more: str) -> dict[str, str]:
    """The environment that such a process is started with: what an interpreter needs to start, and no secret."""
    # Without a home, Python would ask the system's user database for one.
    ours = {"HOME": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}
    return ours | {name: os.environ[name] for name in KEPT if name in os.environ} | more


def confine(parent: int, *, memory: int) -> None:
    """Give this process ``memory`` bytes of data at most, no file to write and no core dump, and let it end with the
    process ``parent`` that started it."""
    sys.dont_write_bytecode = True
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died before we asked to be ended with it.
    if os.getppid() != parent:
        os._exit(1)
    if sys.platform != "win32":
        import resource

        for kind, most in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
            _lower(kind, most)


def more_cpu(seconds: int) -> None:
    """Let this process run for so many more seconds of CPU time; after that the kernel ends it."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds, soft=True)


def _lower(kind: int, most: int, *, soft: bool = False) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (limit, hard if soft else limit))
