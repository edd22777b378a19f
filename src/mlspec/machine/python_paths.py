"""Where this Python may import from: its own site folders, and its paths without the working folder."""

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType


def site_folders() -> list[str]:
    """The interpreter's own folders of installed distributions, those that are on its path, in that order."""
    import site  # already imported by the interpreter, unless it was started with -S

    known = {*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])}
    return [entry for entry in sys.path if entry in known]


def own() -> list[str]:
    """The interpreter's path without relative entries and without the working folder.

    The working folder stays where PYTHONPATH or a ``.pth`` file of a site folder names it by its absolute path.
    """
    try:
        here = os.stat(".")
    except OSError:
        return [entry for entry in sys.path if os.path.isabs(entry)]
    return [entry for entry in sys.path if os.path.isabs(entry) and (not _is(entry, here) or entry in _stated())]


def imported(name: str) -> ModuleType:
    """A module by its name, found on ``own()`` alone. Raises what importing raises."""
    if name in sys.modules:
        return sys.modules[name]
    with only_own():
        return importlib.import_module(name)


@contextlib.contextmanager
def only_own() -> Iterator[None]:
    """Meanwhile nothing is imported from elsewhere, also where a notebook's working folder is on the path."""
    paths = own()
    left_out = [(place, entry) for place, entry in enumerate(sys.path) if entry not in paths]
    for _place, entry in left_out:
        sys.path.remove(entry)
    try:
        yield
    finally:
        for place, entry in left_out:
            sys.path.insert(place, entry)


def _is(entry: str, here: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(entry), here)
    except OSError:
        return False


def _stated() -> set[str]:
    """What PYTHONPATH and the ``.pth`` files of the site folders put on the path."""
    found = {entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(entry)}
    for folder in site_folders():
        found.add(folder)
        for name in os.listdir(folder):
            if name.endswith(".pth"):
                with (
                    contextlib.suppress(OSError, ValueError),
                    open(os.path.join(folder, name), encoding="utf-8-sig") as file,
                ):
                    found.update(os.path.normpath(os.path.join(folder, line.strip())) for line in file)
    return found
