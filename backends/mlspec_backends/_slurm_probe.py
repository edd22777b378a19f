"""Whether nodes see what this machine sees: the folder, its locks, and the same versions."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlspec import formatting
from mlspec.engine import handshake, pool, remote
from mlspec.engine.backend import Setting
from mlspec.engine.pool import Hello, Pool, Shape, Terms
from mlspec.spec.backend import Backend
from mlspec_backends import _slurm_commands as commands
from mlspec_backends import _slurm_probe_apart
from mlspec_backends._slurm_commands import LIVE, Group, SlurmError
from mlspec_backends._slurm_jobs import naming, placing
from mlspec_backends._slurm_left import clean

PREFIX = ".mlspec-doctor-"
LIBRARIES = ("msgspec", "numpy", "polars", "scikit-learn", "torch")
SECONDS = 60.0  # for the jobs that look, all together
CLOCKS = 5.0  # seconds by which clocks may differ before it is said
SHAPE = Shape(1, 0, 1)


def refusal(own: Pool, pilot: str, hello: Hello, here: Mapping[str, str]) -> str:
    """Why a pilot can't be used, in words; empty where it can. ``here`` are the versions on this machine."""
    different = handshake.differences(here, hello.versions)
    if different:
        return f"the node {hello.node} has other versions than this machine: {different}"
    if not hello.lock or not own.sees_lock(pilot):
        return (
            f"locks of files (flock) do not reach from this machine to the node {hello.node}: "
            f"mount the file system of '{own.root.parent}' with locks (NFS 4; Lustre with -o flock)"
        )
    return ""


def examine(settings: Backend, folder: Path) -> Iterator[tuple[str, str, str]]:
    """The cluster, the nodes of the partition, then what jobs on two of them find."""
    if commands.lacking():
        yield "SLURM", "wrong", f"{commands.lacking()} is not on the PATH: SLURM's client commands are not installed"
        return
    try:
        yield "SLURM", "ok", f"{commands.version()}; {commands.ping()}"
        for group in commands.all_groups():
            text = f"{group.available}; {group.count} x {group.state}, each with {describe(group)}"
            yield f"partition {group.partition}", "ok" if group.up and group.available == "up" else "warning", text
        if not any(group.up for group in commands.groups(settings.partition)):
            yield "nodes", "wrong", f"none is up in the partition {settings.partition or 'that is the default'}"
            return
        if settings.shared_folder:
            yield from _probe(settings, folder)
        else:
            yield from _slurm_probe_apart.probe(settings, folder, dict.fromkeys(LIBRARIES, ""), SECONDS)
    except SlurmError as error:
        yield "SLURM", "wrong", str(error)


def describe(group: Group) -> str:
    """What a node has, in words."""
    node = group.node
    gpus = f", {node.gpus} GPUs" if node.gpus else ""
    return f"{node.cpus} cores, {formatting.size(node.memory)} of memory{gpus}"


def _probe(settings: Backend, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Two pilots that find nothing to do."""
    for left in folder.glob(f"{PREFIX}*"):
        clean(left)
        with contextlib.suppress(OSError):
            left.rmdir()
    parent = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    setting, here = Setting(root=folder, home=parent, logs=parent), handshake.own(LIBRARIES)
    own = pool.create(parent, Terms(setting, here))
    try:
        (own.root / "job.sh").write_text(commands.SCRIPT)
        options = [*naming(own.root), "--time=5", "--nodes=1", "--ntasks=1", "--cpus-per-task=1"]
        options += [*placing(settings.partition, settings.account, settings.qos), *settings.options]
        jobs = {}
        for node in commands.names_of_nodes(settings.partition)[:2]:
            command = remote.command(own.root, str(SHAPE), SHAPE.threads)
            jobs[commands.submit(own.root / "job.sh", command, [*options, f"--nodelist={node}"], 1)[0]] = node
        until = time.monotonic() + SECONDS
        for job, node in jobs.items():
            yield (f"node {node}", *_found(own, job, here, until))
    finally:
        own.stop()
        try:
            commands.cancel(own.name)
        finally:
            own.remove()
            shutil.rmtree(parent, ignore_errors=True)


def _found(own: Pool, job: str, here: Mapping[str, str], until: float) -> tuple[str, str]:
    looked, state, reason = 0.0, "", ""
    while (hello := own.hello(job)) is None:
        now = time.monotonic()
        if now > until:
            return "warning", f"its job has not started within {SECONDS:.0f} s ({state}, {reason})"
        if now - looked > 1.0:
            looked = now
            found = commands.look(own.name).get(job)
            state, reason = ("GONE", "") if found is None else (found.state, found.reason)
            if state not in LIVE and own.hello(job) is None:
                return "wrong", f"its job ended without a word ({state}): does it see '{own.root.parent.parent}'?"
        time.sleep(0.05)
    apart = abs(time.time() - hello.clock)
    clock = f"; its clock differs by {apart:.0f} s" if apart > CLOCKS else ""
    cause = refusal(own, job, hello, here)
    return ("wrong", cause) if cause else ("ok", f"sees this folder and its locks, has the same versions{clock}")
