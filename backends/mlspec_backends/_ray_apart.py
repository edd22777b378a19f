"""What runs on a node of a Ray cluster that shares no folder with the driver: a session (``engine/apart.py``) does the
step, and Ray's process passes on what it reports.

No file says that the driver lives. Ray ends its own processes when the driver has died, and with them the sessions;
where the node is no longer one of the cluster, they end themselves.
"""

import os
import select
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlspec.engine import apart, handshake, pool
from mlspec.engine.apart import Arrived, Printed
from mlspec.engine.backend import Ask, Failed, Progress, Task
from mlspec.engine.pool import Shape
from mlspec_backends import _ray_cluster as cluster
from mlspec_backends._ray_node import Started, Terms, encoded, environment, own_paths, read_terms
from mlspec_backends._ray_warm import Warm
from mlspec_backends._sessions import Session

WATCH = 1.0  # seconds between two looks whether a step is wanted
LOOK = 5.0  # seconds between two questions to Ray whether this is a node of the cluster


def steps(terms_json: bytes, task_json: bytes, threads: int, _fence: str) -> Iterator[bytes]:
    """Do a step: where it began, its progress, what it printed, how it ended."""
    terms, task = read_terms(terms_json), msgspec.json.decode(task_json, type=Task)
    key = (terms_json, threads, os.environ.get("CUDA_VISIBLE_DEVICES", ""))
    session = _WARM.take(key)
    refused = ""
    if session is None:
        session = _begun(terms, threads)
        refused = _refusal(terms, session)
    yield encoded(Started(cluster.node_id(), os.getpid(), time.time(), refused))
    ended = False
    if not refused:
        session.begin(task)
        looked = time.monotonic()
        while not ended:
            select.select([session.output], [], [], WATCH)
            if (reports := session.read()) is None:
                yield encoded(Failed(task.step, session.complaint() or "its process ended without a word"))
                break
            for report in reports:
                if not isinstance(report, Arrived | Ask):
                    yield encoded(report)
                    ended = ended or not isinstance(report, Printed | Progress)
            if time.monotonic() - looked > LOOK:
                looked = time.monotonic()
                if not cluster.is_member():
                    break
    if ended and not session.retired:
        session.end_task()
        _WARM.keep(key, session, lambda: True)
    else:
        session.end()


def look(terms_json: bytes) -> bytes:
    """What ``mlspec doctor`` asks of a node."""
    terms = read_terms(terms_json)
    session = _begun(terms, 1)
    try:
        return encoded(Started(cluster.node_id(), os.getpid(), time.time(), _refusal(terms, session)))
    finally:
        session.end()


def _begun(terms: Terms, threads: int) -> Session:
    told = pool.Terms(terms.setting, terms.versions)
    with own_paths(), tempfile.TemporaryDirectory() as aside:
        command = apart.command(threads, at_once=True)
        shape, errors = Shape(1, 0, threads), Path(aside, "errors")
        return Session(command, {**os.environ, **environment(terms)}, errors, shape, told)


def _refusal(terms: Terms, session: Session) -> str:
    """Why this node can't work for the driver, in words; empty where it can."""
    while (reports := session.read()) is not None:
        for report in reports:
            if isinstance(report, Arrived):
                session.node = report.node
                if different := handshake.differences(terms.versions, report.versions):
                    return f"has other versions than this machine: {different}"
                return f"can't be used: {report.trouble}" if report.trouble else ""
        select.select([session.output], [], [], WATCH)
    return f"can't do steps: {session.complaint() or 'its process ended without a word'}"


# Ray gives a process to one step after the other, and what they have in common is the module alone.
_WARM: Warm[Session] = Warm()
