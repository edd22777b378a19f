"""A cache of printed answers: while nothing that an answer was made from has changed, it is printed again, and nothing
else is read or imported.

An entry names the files that the answer depends on, with what they look like from outside (size, times, inode); the
spec itself is compared by its bytes. An entry counts only where it was written here (see machine/seals.py): one that
was committed or copied could say anything. A cache that can't be read or written is as if there were none.
"""

import hashlib
import os
import stat
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mlspec import __version__
from mlspec.machine import seals

CACHE = os.path.join(".mlspec", "cache")
ENTRIES = "compile"
LARGEST = 64 << 20
ENVIRONMENT = "\0"  # no path begins with it; an environment variable's name follows
STATE = (
    "mlspec.lock",
    os.path.join(CACHE, "types"),
    *(
        os.path.join(".mlspec", *parts)
        for parts in (("store", "actions"), ("store", "objects"), ("store", "trees"), ("store", "key"), ("previous",))
    ),
)
# What is beside the spec may be taken for stored; the ending marks that everything in the folder counts.
RESULTS = os.path.join("mlspec.results", "")
GPU = "/dev/nvidiactl"
# A file written within this time of its entry may be written again without its time changing.
SETTLED_NS = 2_000_000_000
MOST_ENTRIES = 64


class Answer(NamedTuple):
    """What is printed, whether there is work to do, and the sources of which the first rows alone were looked at."""

    text: str
    pending: bool
    heads: tuple[str, ...] = ()


def recall(spec: str, request: Sequence[object]) -> Answer | None:
    """The answer to that request about a spec, if it was given before and everything is as it was then."""
    try:
        folder = os.path.join(os.path.dirname(spec), CACHE)
        stored = _read(os.path.join(folder, ENTRIES, _name(spec, request)))
        content = seals.opened(stored, seals.key(folder))
        if content is None:
            return None
        head, _, text = content.decode("utf-8", "surrogateescape").partition("\n\n")
    except OSError:
        return None
    pending, heads, *looks = head.split("\n")
    if any(line != look(line.partition("\t")[0]) for line in looks):
        return None
    return Answer(text, pending == "pending", tuple(heads.split(" ")[1:]))


def remember(spec: str, request: Sequence[object], files: Iterable[str], answer: Answer) -> None:
    """Keep an answer, with the files that it was made from beside the spec."""
    root = os.path.dirname(spec)
    watched = [*files, *(os.path.join(root, name) for name in (*STATE, RESULTS)), GPU, *_code()]
    looks = [look(path) for path in dict.fromkeys(watched)]
    if any("\n" in line or _is_fresh(line) for line in looks):
        return
    from pathlib import Path

    from mlspec import paths
    from mlspec.diagnostics import SpecError
    from mlspec.machine import whole_files

    folder = Path(root, CACHE)
    body = (
        "\n".join(["pending" if answer.pending else "done", " ".join(("heads", *answer.heads)), *looks])
        + "\n\n"
        + answer.text
    )
    try:
        paths.prepare(paths.home(Path(root)))
        (folder / ENTRIES).mkdir(parents=True, exist_ok=True)
        paths.demand_no_link(folder / ENTRIES)
        content = seals.sealed(body.encode("utf-8", "surrogateescape"), seals.make(folder))
        whole_files.replace(folder / ENTRIES / _name(spec, request), content, sync=False)
        entries = sorted((folder / ENTRIES).iterdir(), key=lambda path: path.lstat().st_mtime_ns)
        for old in entries[:-MOST_ENTRIES]:
            old.unlink(missing_ok=True)
    except (OSError, SpecError):
        return


def look(path: str) -> str:
    """A file or folder as it looks from outside, on one line; a tree by what all its files look like; an environment
    variable by a part of its digest."""
    if path.startswith(ENVIRONMENT):
        return f"{path}\t{_digest(os.environ.get(path[1:], ''))[:4]}"
    try:
        if path.endswith(os.sep):
            return f"{path}\t{_tree(path)}"
        status = os.stat(path)
    except (OSError, ValueError):
        return f"{path}\tabsent"
    return f"{path}\t{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}"


def _tree(folder: str) -> str:
    seen, count = hashlib.sha256(), 0
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = os.path.join(base, name)
            status = os.lstat(path)
            seen.update(
                f"{path}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}\n".encode(
                    "utf-8", "surrogateescape"
                )
            )
            count += 1
    return f"{count} {seen.hexdigest()[:16]} code"


def _is_fresh(line: str) -> bool:
    import time

    words = line.rpartition("\t")[2].split()
    return len(words) == 4 and time.time_ns() - int(words[1]) < SETTLED_NS


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


def _name(spec: str, request: Sequence[object]) -> str:
    """The name of an entry: the digest of all that the answer depends on beside files."""
    content = hashlib.sha256(_read(spec)).hexdigest()
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    return _digest(repr((__version__, sys.version, sys.prefix, os.getcwd(), hidden, spec, content, *request)))


def _read(path: str) -> bytes:
    """A regular file's bytes. Raises OSError; never waits."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"'{path}' is not a regular file")
        parts, room = [], LARGEST
        while room > 0 and (part := os.read(handle, room)):
            parts.append(part)
            room -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
