"""Python processes that mlspec starts: with the paths of this one, and never with the folder it happens to be in."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import IO

from mlspec.machine import python_paths

# Nothing is imported before the path is set: where PYTHONPATH has relative entries, they are other folders there.
PR_SET_PDEATHSIG = 1
START = (
    "import sys; sys.path[:] = eval(sys.argv.pop()); "
    "import runpy; runpy.run_module(sys.argv.pop(), run_name='__main__', alter_sys=False)"
)


DYING = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execvp(sys.argv[2], sys.argv[2:])"
)


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs ``module`` as a program in a Python of its own.

    ``-P`` keeps the working folder out of its path, as ``python_paths.own`` does what this process has of it.
    """
    return [sys.executable, "-P", "-c", START, *arguments, module, repr(python_paths.own())]


def dying(other: Sequence[str]) -> list[str]:
    """Any command, as one that the kernel ends (on Linux) when the thread that starts it has died."""
    return [sys.executable, "-I", "-S", "-c", DYING, str(os.getpid()), *other]


@contextlib.contextmanager
def safe_path() -> Iterator[None]:
    """Python processes that a library starts meanwhile get ``-P`` too, by the environment."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        os.environ.pop("PYTHONSAFEPATH")
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


def pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output, taken away from whatever the work reads and prints."""
    tasks, reports = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return tasks, reports


def die_with(parent: int) -> None:
    """End this process when that one, which started it, has died."""
    import ctypes

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died before the kernel was asked to notify us.
    if os.getppid() != parent:
        os._exit(1)
