"""Python processes that mlspec starts: with the paths of this one, and never with the folder it happens to be in."""

import contextlib
import os
import sys
from collections.abc import Iterator

from mlspec.machine import python_paths

# Nothing is imported before the path is set: where PYTHONPATH has relative entries, they are other folders there.
START = (
    "import sys; sys.path[:] = eval(sys.argv.pop()); "
    "import runpy; runpy.run_module(sys.argv.pop(), run_name='__main__', alter_sys=False)"
)


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs ``module`` as a program in a Python of its own.

    ``-P`` keeps the working folder out of its path, as ``python_paths.own`` does what this process has of it.
    """
    return [sys.executable, "-P", "-c", START, *arguments, module, repr(python_paths.own())]


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
