"""Trainings on several nodes: the job that one takes, and the commands that start its processes there."""

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from mlspec.engine import peer
from mlspec.engine.backend import Node, Task
from mlspec.engine.pool import Shape
from mlspec_backends._slurm_commands import Group

# The pilot's own task has the cores of its node already, so those that it starts share with it.
SRUN = ("srun", "--overlap", "--mpi=none", "--unbuffered", "--nodes=1", "--ntasks=1")


def kinds(groups: Iterable[Group]) -> tuple[Node, ...]:
    """The kinds of nodes, and how many there are of each."""
    found: dict[Node, int] = {}
    for group in groups:
        found[group.node] = found.get(group.node, 0) + group.count
    return tuple(replace(node, count=count) for node, count in found.items())


def placed(task: Task, engine: int, root: Path) -> tuple[Task, Shape]:
    """A task as its job does it, and what the job takes on each of its nodes; ``engine`` threads are the data engine's,
    ``root`` is the pool's folder.

    SLURM numbers the GPUs of a job from 0 on each node. A task may have been placed before, in another pool.
    """
    each, gpus = task.processes // task.nodes, len(task.gpus) if task.elsewhere else len(task.gpus) // task.nodes
    shape = Shape(max(task.threads * each, engine), gpus, engine, task.nodes)
    command = (*SRUN, f"--cpus-per-task={shape.cpus}")
    elsewhere = tuple((*command, f"--relative={node}", "--", *peer.command(root)) for node in range(1, task.nodes))
    if gpus:
        task = replace(task, gpus=tuple(range(gpus)), device="cuda:0" if gpus == 1 else task.device)
    return replace(task, elsewhere=elsewhere), shape
