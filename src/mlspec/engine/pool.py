"""Steps for other machines, through a folder that they share: this is the side of the driver, who hands them out.

::

    driver               locked by the driver as long as it lives
    pool.json            what pilots have to know
    stop                 pilots end when they have nothing in hand
    queue/SHAPE/NAME     a step to be done: the pilot that renames it has it
    tasks/NAME/          task.json, taken.PILOT, progress.jsonl, ending.json
    pilots/PILOT.json    what a pilot found on its node; PILOT.lock is locked by it
    pilots/PILOT.retire  it is to take no more steps; PILOT.end: it is to stop what it does, and end
    logs/                what pilots print

A pilot (``remote.py``) is a process on another machine that takes steps of one shape. How pilots are started, and how a
driver learns that one has died, is the engine's business.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec.structs import replace

from mlspec.engine.backend import Ending, Failed, Listen, Progress, Setting, Task
from mlspec.engine.reports import checked
from mlspec.machine import json_values, safe_files
from mlspec.machine.json_lines import decoded
from mlspec.store import files

FOLDERS = ("queue", "tasks", "pilots", "logs")
LARGEST_REPORT = 8 << 20  # bytes of progress that are read at a time
LARGEST_LOG = 64 << 10  # bytes of a pilot's log that are copied to the log of a step
STALE = 1.0  # seconds for which a folder may be shown as it was
READ = 0.25  # seconds between two looks into the progress of a step
ABANDONED = 0.5  # seconds for which a pilot may hold the lock of a driver that has died


class Shape(msgspec.Struct, frozen=True, order=True):
    """What the job of a pilot takes: cores and GPUs of each of its nodes, and the threads of its data engine."""

    cpus: int
    gpus: int
    threads: int
    nodes: int = 1

    def __str__(self) -> str:
        return f"c{self.cpus}-g{self.gpus}-t{self.threads}" + (f"-n{self.nodes}" if self.nodes > 1 else "")


class Terms(msgspec.Struct, frozen=True):
    """What pilots have to know: where they work, and the versions that the driver has."""

    setting: Setting
    versions: dict[str, str]


class Hello(msgspec.Struct, frozen=True):
    """What a pilot found: its node, the versions there, its clock, and whether it saw the driver's lock."""

    node: str
    versions: dict[str, str]
    clock: float
    lock: bool


class Cut(msgspec.Struct, frozen=True, tag_field="report", tag="cut"):
    """A pilot has ended a step, because its job is about to reach its time limit."""

    step: str


@dataclass
class Errand:
    """A step that was handed out."""

    task: Task
    shape: Shape
    folder: Path
    pilot: str | None = None
    began: float = 0.0
    offset: int = 0
    said: str = ""
    marked: float = 0.0
    read: float = 0.0


@dataclass
class Pool:
    """The folder, as its driver sees it; used by one thread."""

    root: Path
    handle: int
    errands: dict[str, Errand] = field(default_factory=dict)
    count: int = 0
    marked: float = 0.0

    @property
    def name(self) -> str:
        """A name that no other pool has."""
        return self.root.name

    def put(self, task: Task, shape: Shape) -> None:
        """Hand a step out."""
        self.count += 1
        name = f"{self.count:06}-{task.fingerprint[:16]}"
        folder = self.root / "tasks" / name
        folder.mkdir()
        files.replace(folder / "task.json", msgspec.json.encode(task), sync=False)
        queue = self.root / "queue" / str(shape)
        queue.mkdir(exist_ok=True)
        (queue / name).touch()
        self.errands[name] = Errand(task, shape, folder)

    def waiting(self, shape: Shape) -> list[Errand]:
        """The steps of a shape that no pilot has taken, the first one first."""
        return [errand for errand in self.errands.values() if errand.pilot is None and errand.shape == shape]

    def taken_by(self, pilot: str) -> Errand | None:
        """The step that a pilot does."""
        return next((errand for errand in self.errands.values() if errand.pilot == pilot), None)

    def left_by(self, pilot: str) -> Errand | None:
        """The step that a pilot did when it died, as the file system has it now."""
        for errand in self.errands.values():
            mark(errand.folder, 0.0)
            if errand.pilot is None and (errand.folder / f"taken.{pilot}").exists():
                errand.pilot, errand.began = pilot, time.monotonic()
        return self.taken_by(pilot)

    def withdraw(self, errand: Errand) -> bool:
        """Take a step back; False where a pilot was faster. Its folder stays."""
        name = errand.folder.name
        try:
            os.rename(self.root / "queue" / str(errand.shape) / name, errand.folder / "withdrawn")
        except FileNotFoundError:
            return False
        self.errands.pop(name, None)
        return True

    def drop(self, errand: Errand) -> None:
        """Wait for a step no more: its pilot is gone, and what that may still report is not read."""
        self.errands.pop(errand.folder.name, None)

    def hear(self, listen: Listen) -> Iterator[tuple[Errand, Ending | Cut]]:
        """Steps that have ended, or were cut off; ``listen`` receives the progress of the others."""
        for errand in list(self.errands.values()):
            errand.marked = mark(errand.folder, errand.marked)
            try:
                names = os.listdir(errand.folder)
            except OSError:
                continue
            if errand.pilot is None:
                errand.pilot = next((name[6:] for name in names if name.startswith("taken.")), None)
                if errand.pilot is None:
                    continue
                errand.began = time.monotonic()
            ended = "ending.json" in names
            # A file server may show an old size, so it has to be opened; that is half of what a look costs.
            if "progress.jsonl" in names and (ended or time.monotonic() - errand.read > READ):
                errand.read = time.monotonic()
                for report in _progress(errand):
                    listen(replace(report, step=errand.task.step))
            if ended:
                self.drop(errand)
                yield errand, _ending(errand)

    def hello(self, pilot: str) -> Hello | None:
        """What a pilot has found, once it has."""
        self.marked = mark(self.root / "pilots", self.marked)
        try:
            return json_values.read(self.root / "pilots" / f"{pilot}.json", Hello)
        except (OSError, ValueError):
            return None

    def sees_lock(self, pilot: str) -> bool:
        """Whether this machine sees the lock that a living pilot holds on its node."""
        return is_held(self.root / "pilots" / f"{pilot}.lock")

    def order(self, pilot: str, what: str) -> None:
        """Have a pilot ``retire`` or ``end``."""
        with contextlib.suppress(OSError):
            (self.root / "pilots" / f"{pilot}.{what}").touch()

    def has_ended(self, errand: Errand) -> bool:
        """Whether there is an ending, as the file system has it now."""
        mark(errand.folder, 0.0)
        return (errand.folder / "ending.json").exists()

    def log(self, pilot: str, step: Path) -> str | None:
        """What a pilot has printed, added to a step's log; that log's path, None where there is nothing."""
        try:
            with safe_files.opened(self.root / "logs" / f"{pilot}.log") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - LARGEST_LOG))
                text = file.read(LARGEST_LOG).strip()
        except OSError:
            text = b""
        if text:
            with contextlib.suppress(OSError):
                step.parent.mkdir(parents=True, exist_ok=True)
                with step.open("ab") as target:
                    target.write(f"log of job {pilot}:\n".encode() + text + b"\n")
        return str(step) if step.exists() else None

    def stop(self) -> None:
        """Have all pilots end that have nothing in hand; nothing more is taken."""
        with contextlib.suppress(OSError):
            (self.root / "stop").touch()

    def remove(self) -> None:
        """Remove the folder. A pilot that has lost it ends."""
        shutil.rmtree(self.root, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self.handle)


def create(parent: Path, terms: Terms) -> Pool:
    """A new pool in a folder."""
    parent.mkdir(parents=True, exist_ok=True)
    name = f"mlspec-{secrets.token_hex(6)}"
    # Under another name until it is locked, or another driver might take it for abandoned. Nobody else may write there:
    # a task names the module that does it.
    aside, root = parent / f".{name}", parent / name
    aside.mkdir(mode=0o700)
    handle = locked(aside)
    assert handle is not None
    for folder in FOLDERS:
        (aside / folder).mkdir()
    files.replace(aside / "pool.json", msgspec.json.encode(terms, enc_hook=os.fspath), sync=False)
    aside.rename(root)
    return Pool(root, handle)


def mark(folder: Path, last: float) -> float:
    """See a folder as it is now, if that was last done more than a second ago; when it was done last.

    A network file system may show a folder as it was a minute ago, but not one that this machine has just changed."""
    now = time.monotonic()
    if now - last < STALE:
        return last
    own = folder / f".{os.getpid()}"
    with contextlib.suppress(OSError):
        own.touch()
        own.unlink(missing_ok=True)
    return now


def locked(root: Path) -> int | None:
    """The handle that holds a driver's lock; None where another driver lives."""
    try:
        handle = os.open(root / "driver", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    until = time.monotonic() + ABANDONED
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(handle)
                return None
            time.sleep(0.05)


def _progress(errand: Errand) -> Iterator[Progress]:
    """The progress that was reported since the last time."""
    with contextlib.suppress(OSError):
        with safe_files.opened(errand.folder / "progress.jsonl") as file:
            file.seek(errand.offset)
            data = file.read(LARGEST_REPORT)
        whole = data.rfind(b"\n") + 1
        # A line that is longer is none of a pilot's.
        errand.offset += whole or (len(data) if len(data) == LARGEST_REPORT else 0)
        for line in data[:whole].splitlines():
            with contextlib.suppress(ValueError):
                yield json_values.decode(line, Progress)


def _ending(errand: Errand) -> Ending | Cut:
    task = errand.task
    try:
        found: Ending | Cut = decoded(safe_files.read(errand.folder / "ending.json"), Ending | Cut)
    except (OSError, ValueError) as error:
        return Failed(task.step, str(error))
    return replace(found, step=task.step) if isinstance(found, Cut) else checked(task, found)


def is_held(lock: Path) -> bool:
    """Whether a process, on whatever node, holds the lock of this file; False where there is no file."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
