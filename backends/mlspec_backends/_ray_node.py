"""What runs on a node of a Ray cluster: a step in a worker process of mlspec's own, which stays warm for the next one.

Ray's process drives it, sends its reports on, and ends it.
"""

import contextlib
import fcntl
import functools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlspec.engine import handshake, limits, pool, relay
from mlspec.engine.apart import Printed
from mlspec.engine.backend import Ending, Failed, Progress, Report, Setting, Task
from mlspec.engine.remote import carry
from mlspec.engine.run_step import NODE
from mlspec.engine.worker_process import Worker
from mlspec.machine import processors
from mlspec.machine.network import Endpoint
from mlspec_backends import _ray_cluster as cluster
from mlspec_backends._ray_warm import Warm

WATCH = 0.5  # seconds between two looks whether processes may still be started
NODES = "nodes"  # the file beside the driver's lock that all workers hold a lock of
# What describes a machine, not what is to be done there.
NAMES = ("HOME", "HOSTNAME", "LOGNAME", "OLDPWD", "PATH", "PWD", "SHELL", "SHLVL", "TMPDIR", "USER", "VIRTUAL_ENV", "_")
KINDS = ("CONDA_", "CUDA_", "LD_", "NVIDIA_", "PYTHON", "RAY_", "SLURM_", "SSH_", "XDG_")


class Terms(msgspec.Struct, frozen=True):
    """What the node has to know: where it works, the versions and the environment that the driver has, and the file
    that the driver keeps locked as long as it lives."""

    setting: Setting
    versions: dict[str, str]
    environment: dict[str, str]
    driver: Path


class Started(msgspec.Struct, frozen=True, tag_field="report", tag="started"):
    """The step is on a node, in this process; ``refused`` says why it can't be done there. ``clock`` is the node's."""

    node: str
    process: int
    clock: float
    refused: str = ""


class Opened(msgspec.Struct, frozen=True, tag_field="report", tag="opened"):
    """Processes of a training can be started there."""

    place: Endpoint


Said = Started | Opened | Progress | Printed | Ending


def passed_on() -> dict[str, str]:
    """The part of this process's environment that its steps get on a node too."""
    return {name: value for name, value in os.environ.items() if name not in NAMES and not name.startswith(KINDS)}


def steps(terms_json: bytes, task_json: bytes, threads: int, fence: str) -> Iterator[bytes]:
    """Do a step: where it began, its progress, how it ended. ``fence``: there is such a file beside the driver's lock
    where the step is wanted no more."""
    terms = read_terms(terms_json)
    started = _greet(terms_json)
    yield encoded(started)
    if started.refused:
        return
    task = msgspec.json.decode(task_json, type=Task)
    key = (terms_json, threads, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    worker = _WARM.take(key)
    worker = worker or _begun(terms, threads)
    watch = _Watch(terms, terms.driver.with_name(fence), worker)
    ended = False
    for report in carry(worker, task, watch.is_over):
        if isinstance(report, Failed) and report.log is None:
            # The worker has died, or could not even open the store.
            log = str(terms.setting.logs / f"{task.step}.log")
            yield encoded(Failed(task.step, report.cause, log, setting=report.setting, path=report.path))
            break
        yield encoded(report)
        ended = not isinstance(report, Progress)
    if ended:
        _WARM.keep(key, worker, lambda: pool.is_held(terms.driver))
        return
    worker.end()
    if watch.cause:
        log = str(terms.setting.logs / f"{task.step}.log")
        yield encoded(Failed(task.step, watch.cause, log, limit="memory"))


def starts(terms_json: bytes, secret: str, fence: str) -> Iterator[bytes]:
    """Start processes of a training whose step is on another node, for those who know the secret; ``fence`` as for
    steps."""
    terms = read_terms(terms_json)
    started = _greet(terms_json)
    yield encoded(started)
    if started.refused:
        return
    watch = _Watch(terms, terms.driver.with_name(fence), None)
    with _held(terms) as handle:
        with own_paths():
            listening = relay.Listening(secret, {**os.environ, **environment(terms)}, (handle,))
        try:
            yield encoded(Opened(listening.place))
            while not watch.is_over():
                time.sleep(WATCH)
        finally:
            listening.close()


def look(terms_json: bytes) -> bytes:
    """What ``mlspec doctor`` asks of a node."""
    return encoded(_greet(terms_json))


def read_terms(terms_json: bytes) -> Terms:
    """What the node has to know."""
    return msgspec.json.decode(terms_json, type=Terms, dec_hook=lambda _type, value: Path(value))


def _greet(terms_json: bytes) -> Started:
    """Where this is, and whether it can work for the driver."""
    return Started(cluster.node_id(), os.getpid(), time.time(), refusal(terms_json))


# Reading the code of all modules takes longer than a small step.
@functools.lru_cache(maxsize=1)
def refusal(terms_json: bytes) -> str:
    """Why this node can't work for the driver, in words; empty where it can."""
    terms = read_terms(terms_json)
    with own_paths():
        there = handshake.own(terms.versions)
    different = handshake.differences(terms.versions, there)
    if different:
        return f"has other versions than this machine: {different}"
    if not os.path.exists(terms.driver):
        return f"does not see the folder '{terms.setting.home}': it has to be on a file system that all nodes mount"
    if not pool.is_held(terms.driver):
        return (
            "does not see locks of files (flock) that this machine holds: "
            f"mount the file system of '{terms.setting.home}' with locks (NFS 4; Lustre with -o flock)"
        )
    return ""


@contextlib.contextmanager
def _held(terms: Terms) -> Iterator[int]:
    """A lock by which the driver sees that there are processes which work for it; they hold it as long as they live."""
    handle = os.open(terms.driver.with_name(NODES), os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield handle
    finally:
        os.close(handle)


def environment(terms: Terms) -> dict[str, str]:
    """What processes that do the work of steps get beside the environment of Ray's own."""
    portable = processors.portable() if terms.setting.portable else {}
    return {**terms.environment, **portable, NODE: cluster.here()}


def _begun(terms: Terms, threads: int) -> Worker:
    with _held(terms) as handle, own_paths():
        return Worker(terms.setting, threads, environment(terms), (handle,))


class _Watch:
    """Looks, while a step runs, whether it may go on."""

    def __init__(self, terms: Terms, fence: Path, worker: Worker | None) -> None:
        self._terms, self._fence, self._worker, self._marked, self.cause = terms, fence, worker, 0.0, ""

    def is_over(self) -> bool:
        """Whether the step is wanted no more, its driver has died, or it takes more memory than it may."""
        allowed = self._terms.setting.memory
        if allowed is not None and self._worker is not None and (held := self._worker.held()) > allowed:
            self.cause = limits.too_much(held, held, allowed)
            return True
        # Ray's processes outlive the daemon of their node, and then nobody ends them.
        self._marked = pool.mark(self._fence.parent, self._marked)
        return self._fence.exists() or not pool.is_held(self._terms.driver)


@contextlib.contextmanager
def own_paths() -> Iterator[None]:
    """Meanwhile without the folders that Ray adds to the path for itself."""
    import ray

    inner, before = os.path.dirname(ray.__file__) + os.sep, list(sys.path)
    sys.path[:] = [entry for entry in before if not entry.startswith(inner)]
    try:
        yield
    finally:
        sys.path[:] = before


def encoded(said: Said | Report) -> bytes:
    """A report as it is passed on."""
    return msgspec.json.encode(said)


# Ray gives a process to one step after the other, and what they have in common is the module alone.
_WARM: Warm[Worker] = Warm()
