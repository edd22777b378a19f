"""Python processes that mlspec starts: with the paths of this one, and never with the folder it happens to be in."""

import json
import os
import sys

START = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "runpy.run_module(sys.argv.pop(), run_name='__main__', alter_sys=False)"
)


def command(module: str, *arguments: str) -> list[str]:
    """The command that runs ``module`` as a program in a Python of its own.

    ``-P`` keeps the working folder out of its path; relative entries of this process's path stay behind too.
    """
    paths = [path for path in sys.path if os.path.isabs(path)]
    return [sys.executable, "-P", "-c", START, *arguments, module, json.dumps(paths)]
