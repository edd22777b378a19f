"""Jobs that do the work of pilots: what they ask for, why they ended, and their end."""

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlspec.engine.backend import Capacity, Setting, UnusableError
from mlspec.engine.pool import Pool, Shape
from mlspec_backends import _slurm_commands as commands
from mlspec_backends import _slurm_ranks
from mlspec_backends._slurm_commands import LIVE, LOST, Seen, SlurmError

STEPS = 100  # cores that running steps take together, where `workers` says nothing
WARNING = 60  # seconds before its time limit at which a pilot ends its step; SLURM may send the signal a minute earlier
ENDING = 30.0  # seconds that jobs may take to end when they are cancelled


@dataclass
class Job:
    """A pilot, from its submission until SLURM shows its end. ``pool`` is whose folder it works in."""

    name: str
    shape: Shape
    pool: Pool
    greeted: bool = False
    retired: bool = False
    ordered: bool = False
    node: str = ""


def capacity(setting: Setting) -> Capacity:
    """What the nodes of the partition have that are up. Raises SlurmError, and UnusableError where none is up."""
    groups = [group for group in commands.groups(setting.partition) if group.up]
    if not groups:
        where = f"the partition '{setting.partition}'" if setting.partition else "the default partition"
        names = sorted({group.partition for group in commands.all_groups() if group.up})
        note = f"partitions with nodes that are up: {', '.join(names) or 'none'}; the default one has a *"
        raise UnusableError(f"no node of {where} is up", "partition", note)
    return Capacity(
        steps=setting.steps or min(STEPS, sum(group.count * group.node.cpus for group in groups)),
        gpus=sum(group.count * group.node.gpus for group in groups),
        nodes=_slurm_ranks.kinds(groups),
        spreads=setting.shared_folder,
    )


def options(root: Path, shape: Shape, setting: Setting, given: Sequence[str]) -> list[str]:
    """The options of sbatch for pilots of a shape; ``given`` are a user's own."""
    return [*naming(root), f"--signal=B:USR1@{WARNING}", *asked(shape, setting, given)]


def asked(shape: Shape, setting: Setting, given: Sequence[str]) -> list[str]:
    """The options of sbatch and srun that say what a job takes, and where."""
    found = ["--export=ALL", f"--nodes={shape.nodes}", f"--ntasks={shape.nodes}", "--ntasks-per-node=1"]
    found += [f"--cpus-per-task={shape.cpus}"]
    found += [f"--gres=gpu:{shape.gpus}"] if shape.gpus else []
    found += [f"--mem={max(1, setting.memory >> 20)}M"] if setting.memory else []
    # A pilot takes steps for the first half of its time: each has as much as it may take.
    found += [f"--time={minutes(setting.step_timeout)}"] if setting.step_timeout else []
    return [*found, *placing(setting.partition, setting.account, setting.qos), *given]


def minutes(step_timeout: float) -> int:
    """The time limit of a pilot whose steps may take so many seconds each."""
    return int(step_timeout * 2) // 60 + 2


def naming(root: Path) -> list[str]:
    """The options that make a job one of a pool's, whose folder ``root`` is. SLURM reads ``%`` in the whole path of a
    log."""
    log = f"{str(root).replace('%', '%%')}/logs/%A_%a.log"
    return [f"--job-name={root.name}", f"--chdir={root}", f"--output={log}", "--no-requeue"]


def placing(partition: str | None, account: str | None, qos: str | None) -> list[str]:
    """The options that say where jobs run, and on whose account."""
    stated = {"partition": partition, "account": account, "qos": qos}
    return [f"--{key}={value}" for key, value in stated.items() if value]


def cause(job: Job, seen: Seen, lost: int = 0) -> str:
    """Why a step has failed whose job has ended, in words; ``lost`` counts its nodes that were."""
    where = f" on {job.node}" if job.node else ""
    if seen.state in LOST:
        return f"its node was lost {lost} times, at last {job.node} ({seen.state})"
    if seen.state == "CANCELLED":
        return f"its SLURM job {job.name}{where} was cancelled, and not by this run"
    if seen.state == "TIMEOUT":
        return (
            f"its SLURM job {job.name}{where} reached its time limit, of which a step has at least half, and it had "
            "saved nothing new to continue from: `--time` in backend.options asks for more"
        )
    if seen.state == "OUT_OF_MEMORY":
        return f"its SLURM job {job.name}{where} took more memory than it had"
    state = "SLURM no longer knows it" if seen.state == "GONE" else seen.state
    early = "" if job.greeted else ", before it could take a step: does the node see this folder, and its Python?"
    return f"its SLURM job {job.name}{where} ended without a result ({state}){early}"


def cancel_all(name: str) -> None:
    """Cancel the jobs of a name, and wait until none is left."""
    cancel(name)
    with contextlib.suppress(SlurmError):
        until = time.monotonic() + ENDING
        while any(job.state in LIVE for job in commands.look(name).values()) and time.monotonic() < until:
            time.sleep(0.1)


def cancel(name: str, jobs: Iterable[str] = ()) -> None:
    """Cancel jobs of a name, or all of them, if SLURM answers."""
    # What can't be cancelled ends by itself: it finds an order to end, or its folder gone.
    with contextlib.suppress(SlurmError):
        commands.cancel(name, jobs)


def cancel_waiting(name: str) -> None:
    """Cancel the jobs of a name that have not started, if SLURM answers."""
    with contextlib.suppress(SlurmError):
        commands.cancel_waiting(name)
