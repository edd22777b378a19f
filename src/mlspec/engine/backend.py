"""What carries steps out: the protocol that each file of ``mlspec_backends`` keeps, and what goes in and comes out.

A backend is a module with a function ``start(setting, store) -> Backend``; the file's name is its name in a spec.
"""

import importlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from mlspec.diagnostics import MlspecError
from mlspec.store.action import Action
from mlspec.store.store import Store

PACKAGE = "mlspec_backends"
WORK = "mlspec.engine.work"


class Setting(Struct, frozen=True, kw_only=True):
    """Where and how steps are carried out.

    ``root`` is the spec's folder, ``home`` that of the results, ``logs`` where steps write what they print. ``work`` is
    the package in which a module of each kind's name does its work. ``steps``: how many at the same time, None for as
    many as there are cores; ``memory``: bytes that they may take together, None for what is free.
    """

    root: Path
    home: Path
    logs: Path
    work: str = WORK
    steps: int | None = None
    memory: int | None = None


class Task(Struct, frozen=True, kw_only=True):
    """A step that is ready: its inputs' digests are known. ``force``: do it even if its result is stored."""

    step: str
    kind: str
    fingerprint: str
    identity: str
    params: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    outputs: tuple[str, ...] = ()
    records: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    device: str = "cpu"
    threads: int = 1
    trivial: bool = False
    force: bool = False


class Progress(Struct, frozen=True, tag_field="report", tag="progress"):
    """How far a running step has come: what it is at, the share done (0 to 1), and figures of interest."""

    step: str
    what: str
    share: float
    figures: dict[str, float] = {}


class Finished(Struct, frozen=True, tag_field="report", tag="finished"):
    """A step is done; ``made`` is false when another run had made the result meanwhile."""

    step: str
    action: Action
    made: bool


class Failed(Struct, frozen=True, tag_field="report", tag="failed"):
    """A step could not be done: one line on why, the file with all that it printed, if it did, and the place in the
    spec that it is about, where that is not the step's own."""

    step: str
    cause: str
    log: str | None = None
    path: tuple[str | int, ...] = ()


class Damaged(Struct, frozen=True, tag_field="report", tag="damaged"):
    """A step could not begin: the input of this digest was damaged, and has been thrown away."""

    step: str
    digest: str


Ending = Finished | Failed | Damaged
Report = Progress | Ending
Listen = Callable[[Progress], None]


class Capacity(Struct, frozen=True):
    """What running steps may take together; ``memory`` in bytes, None where it can't be told."""

    steps: int = 1
    memory: int | None = None
    gpus: int = 0


class Backend(Protocol):
    """Carries steps out. Used by one thread."""

    @property
    def capacity(self) -> Capacity:
        """What is there to be shared among running steps; no more than that is submitted."""

    def submit(self, task: Task) -> None:
        """Begin a step, or take it down to begin it in ``wait``."""

    def wait(self, listen: Listen) -> Sequence[Ending]:
        """Wait until at least one of the submitted steps has ended; ``listen`` is told how far the others are."""

    def close(self) -> None:
        """End whatever still runs, leaving nothing behind."""


def names() -> list[str]:
    """The names of all backends, sorted."""
    found = importlib.util.find_spec(PACKAGE)
    folders = [] if found is None or found.submodule_search_locations is None else found.submodule_search_locations
    return sorted(
        name[:-3] for folder in folders for name in os.listdir(folder) if name.endswith(".py") and name[0] not in "_."
    )


def start(name: str, setting: Setting, store: Store) -> Backend:
    """The backend of that name, ready for steps; ``store`` is open for writing. Raises MlspecError if there is none."""
    if name not in names():
        raise MlspecError(f"there is no engine '{name}'; there are {', '.join(names())}")
    backend: Backend = importlib.import_module(f"{PACKAGE}.{name}").start(setting, store)
    return backend
