"""What carries steps out: the protocol that each file of ``mlspec_backends`` keeps, and what goes in and comes out.

A backend is a module with a function ``start(setting, store) -> Backend``; the file's name is its name in a spec. One
that holds results elsewhere too has a module ``_NAME_keeping`` beside it, whose ``keep(keeping)`` is called when all
has ended.
"""

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from mlspec import registry
from mlspec.diagnostics import MlspecError
from mlspec.graph.graph import Graph
from mlspec.machine import python_paths
from mlspec.store.action import Action
from mlspec.store.store import Store


class Setting(Struct, frozen=True, kw_only=True):
    """Where and how steps are carried out.

    ``root`` is the spec's folder, ``home`` that of the results, ``logs`` where steps write what they print. ``steps``:
    how many at the same time, None for as many as there are cores; ``memory``: bytes that they may take together, None
    for what is free. ``step_timeout``: the seconds that a step may take; ``until``: when the run is to be ended, by
    this machine's monotonic clock. ``shared``: the store that others use too, ``encrypt`` the environment variable with
    its key. ``shared_folder``: whether other machines see ``root`` and ``home``. ``accumulate``: networks take a batch
    that does not fit in parts. ``portable``: numeric libraries use only the instructions that every x86-64 machine has.
    ``partition``, ``account``, ``qos`` and ``options`` are for SLURM, ``address``, ``accelerator`` and ``resources``
    for Ray; ``versions``: what results depend on beside spec and data.
    """

    root: Path
    home: Path
    logs: Path
    steps: int | None = None
    memory: int | None = None
    step_timeout: float | None = None
    until: float | None = None
    shared: str | None = None
    shared_folder: bool = True
    encrypt: str = ""
    accumulate: bool = False
    portable: bool = False
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    options: tuple[str, ...] = ()
    address: str | None = None
    accelerator: str | None = None
    resources: dict[str, float] = {}
    versions: dict[str, str] = {}


class Task(Struct, frozen=True, kw_only=True):
    """A step that is ready: its inputs' digests are known. ``force``: do it even if its result is stored.

    ``processes`` train together what it trains, on so many ``nodes``; ``gpus`` are the numbers of those that are its
    own meanwhile. ``elsewhere``: for each further node, the command that starts a process there; engines fill it in.
    ``by_rows``: the data engine may take several threads for it. ``seconds``: how long it may train, None where nothing
    limits that; 0 where it is to be left out. ``expected``: how many seconds it took last time, None if unknown.
    ``here``: its result is about the processor of the machine that planned it. ``memory``: the bytes that it was
    planned to take, 0 if unknown.
    ``parts``: how many parts of it can be done on other machines at the same time; an engine that does so has the step
    ask for them (``asks``, see ``parts.py``). ``scratch``: of a part, the fingerprint of the whole, in whose scratch
    folder it works."""

    step: str
    kind: str
    work: str
    fingerprint: str
    identity: str
    params: dict[str, Any] = {}
    inputs: dict[str, str] = {}
    outputs: tuple[str, ...] = ()
    records: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    device: str = "cpu"
    processes: int = 1
    nodes: int = 1
    elsewhere: tuple[tuple[str, ...], ...] = ()
    gpus: tuple[int, ...] = ()
    threads: int = 1
    trivial: bool = False
    by_rows: bool = False
    seconds: float | None = None
    expected: float | None = None
    here: bool = False
    memory: int = 0
    force: bool = False
    parts: int = 1
    asks: bool = False
    scratch: str = ""


class Progress(Struct, frozen=True, tag_field="report", tag="progress"):
    """How far a running step has come: what it is at, the share done (0 to 1), and figures of interest."""

    step: str
    what: str
    share: float
    figures: dict[str, float] = {}


class Ask(Struct, frozen=True, tag_field="report", tag="ask"):
    """A running step wants parts of it done, as steps of their own, and waits for their endings."""

    step: str
    parts: tuple[Task, ...]


class Finished(Struct, frozen=True, tag_field="report", tag="finished"):
    """A step is done; ``made`` is false when another run had made the result meanwhile, or the shared store has it.
    ``note``: what was wrong beside it, for people."""

    step: str
    action: Action
    made: bool
    note: str = ""


class Failed(Struct, frozen=True, tag_field="report", tag="failed"):
    """A step could not be done: one line on why, and the file with all that it printed, if it did.

    ``limit``: the key of ``backend`` that it exceeded; ``setting``: the key, among the step's own, that is to blame;
    ``path``: the place in the spec that it is about, where that is not the step's own; ``lost``: a node that it took is
    gone, so it may be tried again."""

    step: str
    cause: str
    log: str | None = None
    limit: str = ""
    setting: str = ""
    path: tuple[str | int, ...] = ()
    lost: bool = False


class Damaged(Struct, frozen=True, tag_field="report", tag="damaged"):
    """A step could not begin: the input of this digest was damaged, and has been thrown away."""

    step: str
    digest: str


Ending = Finished | Failed | Damaged
Report = Progress | Ask | Ending


class Answer(Struct, frozen=True):
    """How the parts ended that a step has asked for, in their order."""

    endings: tuple[Ending, ...]


Listen = Callable[[Progress], None]


class RunTimeoutError(MlspecError):
    """The run has taken longer than it may; ``step`` was running longest."""

    def __init__(self, step: str, cause: str) -> None:
        self.step = step
        super().__init__(cause)


class Node(Struct, frozen=True):
    """A kind of machine of a cluster, and how many there are of it; ``memory`` in bytes."""

    cpus: int
    memory: int
    gpus: int = 0
    count: int = 1


class UnusableError(MlspecError):
    """A setting that nothing can be run with; ``key`` is its name in ``backend``."""

    def __init__(self, message: str, key: str, note: str) -> None:
        self.key, self.note = key, note
        super().__init__(message)


class Capacity(Struct, frozen=True):
    """What running steps may take together; ``memory`` in bytes, None if unknown. ``nodes``: the kinds of machines of a
    cluster, of which one has to be enough for a step; none where steps share this machine. ``spreads``: one training
    can be on several of them, and the trials of a tuning."""

    steps: int = 1
    memory: int | None = None
    gpus: int = 0
    nodes: tuple[Node, ...] = ()
    spreads: bool = False


class Backend(Protocol):
    """Carries steps out. Used by one thread."""

    @property
    def capacity(self) -> Capacity:
        """What is there to be shared among running steps; no more than that is submitted."""

    def submit(self, task: Task) -> None:
        """Begin a step, or take it down to begin it in ``wait``."""

    def wait(self, listen: Listen) -> Sequence[Ending]:
        """Wait until at least one of the submitted steps has ended; ``listen`` receives the progress of the others.

        Raises RunTimeoutError when the run's time is over.
        """

    def close(self) -> None:
        """End whatever still runs, leaving nothing behind."""


class Keeping(Struct, frozen=True, kw_only=True):
    """What an engine that holds results elsewhere too is given when all has ended.

    ``results`` are those that there are; ``overlays`` the options of the command line that were applied to the spec.
    ``write`` opens the store for writing, ``note`` prints a note to the user.
    """

    graph: Graph
    results: Mapping[str, Action]
    home: Path
    overlays: tuple[str, ...]
    write: Callable[[], Store]
    note: Callable[[str], None]


def keep(name: str, keeping: Keeping) -> None:
    """Let an engine that holds results elsewhere do so. Raises MlspecError where it can't."""
    # A module of its own: a run that has nothing to do needs no workers, and so not the engine either.
    module = f"{registry.BACKENDS}._{name}_keeping"
    python_paths.imported(registry.BACKENDS)
    if importlib.util.find_spec(module) is not None:
        importlib.import_module(module).keep(keeping)


def is_elsewhere(name: str) -> bool:
    """Whether an engine runs steps on other machines, which see the spec's folder and nothing else of this one."""
    return registry.has(registry.ENGINES, name) and getattr(registry.engine(name), "ELSEWHERE", False)


def start(name: str, setting: Setting, store: Store) -> Backend:
    """The backend of that name, ready for steps; ``store`` is open for writing. Raises MlspecError if there is none,
    and UnusableError where a setting is to blame."""
    if not registry.has(registry.ENGINES, name):
        raise MlspecError(f"there is no engine '{name}'; there are {', '.join(registry.names(registry.ENGINES))}")
    backend: Backend = registry.engine(name).start(setting, store)
    return backend
