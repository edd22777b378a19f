"""What nodes without a shared folder see: the same versions, and the shared store."""

import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlspec.engine import handshake
from mlspec.engine.apart import Arrived
from mlspec.engine.backend import Setting
from mlspec.engine.pool import Shape, Terms
from mlspec.spec.backend import Backend
from mlspec.store import shared
from mlspec_backends import _slurm_commands as commands
from mlspec_backends._sessions import Session
from mlspec_backends._slurm_apart import refusal, started
from mlspec_backends._slurm_jobs import asked

SHAPE = Shape(1, 0, 1)


def probe(settings: Backend, folder: Path, here: Mapping[str, str], seconds: float) -> Iterator[tuple[str, str, str]]:
    """Sessions on two nodes that are given nothing to do. Raises SlurmError."""
    if settings.store is None:
        yield "nodes", "wrong", "without a shared folder they need a `store`"
        return
    name = f"mlspec-{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="mlspec-doctor-") as aside:
        setting = Setting(
            root=folder,
            home=Path(aside),
            logs=Path(aside),
            shared=shared.located(settings.store, folder),
            partition=settings.partition,
            account=settings.account,
            qos=settings.qos,
        )
        terms = Terms(setting, handshake.own(here))
        sessions = {}
        try:
            for node in commands.names_of_nodes(settings.partition)[:2]:
                options = [f"--job-name={name}", "--chdir=/tmp", "--input=0", "--unbuffered", "--mpi=none", "--time=5"]
                options += [*asked(SHAPE, setting, settings.options), f"--nodelist={node}"]
                sessions[node] = started(options, Path(aside, node), SHAPE, terms)
            until = time.monotonic() + seconds
            for node, session in sessions.items():
                yield (f"node {node}", *_found(session, terms.versions, until))
        finally:
            commands.cancel(name)
            for session in sessions.values():
                session.end()


def _found(session: Session, here: Mapping[str, str], until: float) -> tuple[str, str]:
    while time.monotonic() < until:
        reports = session.read()
        if reports is None:
            return "wrong", f"its job ended without a word: {session.complaint()}"
        for report in reports:
            if isinstance(report, Arrived):
                cause = refusal(report, here)
                return ("wrong", cause) if cause else ("ok", "reaches the shared store, has the same versions")
        time.sleep(0.05)
    return "warning", f"its job has not started in time: {session.complaint()}"
