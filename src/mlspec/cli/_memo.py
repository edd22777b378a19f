"""A cache of printed answers: while nothing that an answer was made from has changed, it is printed again, and nothing
else is read or imported.

An entry names the files that the answer depends on, with what they look like from outside (size, time, inode); the spec
itself is compared by its bytes. A cache that can't be read or written is as if there were none.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mlspec import __version__
from mlspec.machine import safe_files

CACHE = os.path.join(".mlspec", "cache", "compile")
STATE = (
    "mlspec.lock",
    *(
        os.path.join(".mlspec", *parts)
        for parts in (("store", "actions"), ("store", "objects"), ("store", "trees"), ("previous.json",))
    ),
)
# What lies beside the spec may be taken for stored; the ending tells that all that is in the folder counts.
RESULTS = os.path.join("mlspec.results", "")
GPU = "/dev/nvidiactl"
# A file written within this time of its entry may be written again without its time changing.
SETTLED_NS = 2_000_000_000
MOST_ENTRIES = 64


class Answer(NamedTuple):
    """What is printed, and whether there is work to do."""

    text: str
    pending: bool


def recall(spec: str, request: Sequence[object]) -> Answer | None:
    """The answer to that request about a spec, if it was given before and everything is as it was then."""
    try:
        checksum, _, body = safe_files.read(_place(spec, request)).decode().partition("\n")
    except (OSError, ValueError):
        return None
    if _digest(body) != checksum:
        return None
    head, _, text = body.partition("\n\n")
    pending, *looks = head.split("\n")
    if any(line != look(line.partition("\t")[0]) for line in looks):
        return None
    return Answer(text, pending == "pending")


def remember(spec: str, request: Sequence[object], files: Iterable[str], answer: Answer) -> None:
    """Keep an answer, with the files that it was made from beside the spec."""
    root = os.path.dirname(spec)
    watched = [*files, *(os.path.join(root, name) for name in (*STATE, RESULTS)), GPU, *_code()]
    looks = [look(path) for path in dict.fromkeys(watched)]
    if any("\n" in line or _is_fresh(line) for line in looks):
        return
    body = "\n".join(["pending" if answer.pending else "done", *looks]) + "\n\n" + answer.text
    from pathlib import Path

    from mlspec.engine import places

    place = Path(_place(spec, request))
    aside = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        places.prepare(places.home(Path(root)))
        place.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(f"{_digest(body)}\n{body}", encoding="utf-8")
        aside.replace(place)
        entries = sorted(place.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for old in entries[:-MOST_ENTRIES]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def look(path: str) -> str:
    """A file or folder as it looks from outside, on one line; a tree by what all its files look like."""
    if path.endswith(os.sep):
        return f"{path}\t{_tree(path)}"
    try:
        status = os.stat(path)
    except OSError:
        return f"{path}\tabsent"
    return f"{path}\t{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def _tree(folder: str) -> str:
    seen, count = hashlib.sha256(), 0
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(base, name)
            status = os.stat(path)
            seen.update(
                f"{path}\0{status.st_size} {status.st_mtime_ns} {status.st_ino}\n".encode("utf-8", "surrogateescape")
            )
            count += 1
    return f"{count} {seen.hexdigest()[:16]} code"


def _is_fresh(line: str) -> bool:
    import time

    words = line.rpartition("\t")[2].split()
    return len(words) > 1 and words[-1] != "code" and time.time_ns() - int(words[1]) < SETTLED_NS


def _code() -> Iterable[str]:
    """The code that answers: mlspec itself, other plug-ins that are loaded, the folders of installed distributions."""
    yield os.path.dirname(os.path.dirname(__file__)) + os.sep
    libraries = tuple(folder for folder in sys.path if folder.endswith("-packages"))
    yield from libraries
    standard = os.path.dirname(os.__file__)
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file is not None and not file.startswith((standard, *libraries)) and "mlspec" + os.sep not in file:
            yield file


def _place(spec: str, request: Sequence[object]) -> str:
    content = hashlib.sha256(safe_files.read(spec)).hexdigest()
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    key = _digest(repr((__version__, sys.version, sys.prefix, os.getcwd(), hidden, spec, content, *request)))
    return os.path.join(os.path.dirname(spec), CACHE, key)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
