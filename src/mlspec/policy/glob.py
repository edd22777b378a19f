"""Patterns of paths and addresses, in time that is bounded whatever the pattern is."""

import fnmatch
import posixpath
from collections.abc import Iterable

ANY = "**"


def matches(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns fits a whole text, part by part between slashes; ``**`` is any number of parts. No
    sign stands for ``..``."""
    parts = text.split("/")
    return any(_fits(pattern.split("/"), parts) for pattern in patterns)


def normal(text: str, folder: str = "") -> str:
    """A path in ``folder`` without ``.`` and detours; an address as it is."""
    if "://" in text:
        return text
    return posixpath.normpath(posixpath.join(folder, text.replace("\\", "/")))


def _fits(pattern: list[str], parts: list[str]) -> bool:
    reached = {0}  # how many parts may have been taken
    for one in pattern:
        if one == ANY:
            for at, part in enumerate(parts):
                if at in reached and not _climbs(part):
                    reached.add(at + 1)
        else:
            reached = {at + 1 for at in reached if at < len(parts) and _same(one, parts[at])}
    return len(parts) in reached


def _same(pattern: str, part: str) -> bool:
    return part == pattern or (not _climbs(part) and fnmatch.fnmatchcase(part, pattern))


def _climbs(part: str) -> bool:
    """Whether a part means the folder above, also as a server would read it."""
    return part.lower().replace("%2e", ".") == ".." or "%2f" in part.lower() or "%5c" in part.lower()
