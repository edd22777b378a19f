"""SLURM's commands: what they are asked, and what is read of their answers. No shell reads what a user wrote."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from mlspec.diagnostics import MlspecError, printable
from mlspec.engine.backend import Node

SECONDS = 60
LARGEST = 16 << 20  # bytes of an answer that are read
MOST = 1000  # jobs of an array: what SLURM allows unless it is configured otherwise
LIVE = frozenset(
    ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STAGE_OUT", "STOPPED", "SIGNALING", "RESIZING")
)
LOST = frozenset(("NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "REVOKED"))  # the node's fault, or the cluster's
# sinfo marks states with a character more: no answer, powered down, and the like
UP = frozenset(("alloc", "comp", "idle", "mix", "plnd", "resv"))
PROGRAMS = ("sbatch", "squeue", "scancel", "sinfo", "scontrol")
SCRIPT = """#!/bin/sh
export MLSPEC_PILOT="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" MLSPEC_NODE="$SLURMD_NODENAME"
exec "$@"
"""


class SlurmError(MlspecError):
    """A command failed; the message is what it said. ``passing``: it may succeed later."""

    def __init__(self, message: str) -> None:
        self.passing = bool(re.search("contact|timed out|temporarily|try again|not responding", message, re.I))
        super().__init__(message)


class Seen(Struct, frozen=True):
    """A job as ``squeue`` shows it: its state, why it waits, its node, and the seconds that it may take and has taken;
    None for no limit."""

    state: str
    reason: str
    node: str
    limit: float | None
    used: float


class Group(Struct, frozen=True):
    """Nodes that are alike: their partition (``*`` marks the default one) and whether it is ``up``, their number and
    state, what each of them has, their names (``n[1-4]``), and the seconds that jobs may take there, None for no limit.
    """

    partition: str
    available: str
    count: int
    state: str
    node: Node
    names: str
    limit: float | None

    @property
    def up(self) -> bool:
        """Whether jobs can run there, now or when what is there has ended."""
        return re.sub(r"[^a-z].*", "", self.state) in UP and not self.state.endswith("*")


def lacking() -> str:
    """The first command that is not on the PATH; empty where all are."""
    return next((name for name in PROGRAMS if shutil.which(name) is None), "")


def submit(script: Path, command: Sequence[str], options: Iterable[str], count: int) -> list[str]:
    """Submit an array of so many jobs that each run a command; their names. Raises SlurmError."""
    array = f"--array=0-{count - 1}"
    said = _run("sbatch", "--parsable", array, *options, "--", str(script), *command)
    number = said.strip().partition(";")[0]
    if not number.isdigit():
        raise SlurmError(f"sbatch gave no job id, but: {one_line(said)}")
    return [f"{number}_{index}" for index in range(count)]


def look(name: str) -> dict[str, Seen]:
    """The jobs of a name, also those that have ended lately. Raises SlurmError."""
    said = _run("squeue", "-h", "-r", "-t", "all", f"--name={name}", "-o", "%i|%T|%N|%l|%M|%r")
    found = {}
    for line in said.splitlines():
        fields = line.strip().split("|", 5)
        if len(fields) == 6:
            job, state, node, limit, used, reason = fields
            found[job] = Seen(state, reason, node, seconds(limit), seconds(used) or 0.0)
    return found


def cancel(name: str, jobs: Iterable[str] = ()) -> None:
    """Cancel these jobs, or all of a name. Raises SlurmError."""
    _run("scancel", "--quiet", *(jobs or (f"--name={name}",)))


def cancel_waiting(name: str) -> None:
    """Cancel the jobs of a name that have not started. Raises SlurmError."""
    _run("scancel", "--quiet", "--state=PENDING", f"--name={name}")


def groups(partition: str | None) -> list[Group]:
    """The nodes of the named partition, of the default one if None. Raises SlurmError."""
    found = [group for group in all_groups() if partition or group.partition.endswith("*")]
    names = set((partition or "").split(",")) - {""}
    return [group for group in found if not names or group.partition.rstrip("*") in names]


def all_groups() -> list[Group]:
    """The nodes of all partitions. Raises SlurmError."""
    found = []
    for line in _run("sinfo", "-h", "-e", "-o", "%P|%a|%D|%t|%c|%m|%G|%l|%N").splitlines():
        fields = line.strip().split("|", 8)
        if len(fields) == 9:
            partition, available, count, state, cpus, memory, gres, limit, names = fields
            node = Node(_number(cpus), _number(memory) << 20, _gpus(gres))
            found.append(Group(partition, available, _number(count), state, node, names, seconds(limit)))
    return found


def names_of_nodes(partition: str | None) -> list[str]:
    """The nodes that are up, those without work first. Raises SlurmError."""
    of = [f"--partition={partition}"] if partition else []
    lines = [line.split() for line in _run("sinfo", "-h", "-N", *of, "-o", "%N %t %P").splitlines()]
    up = [words for words in lines if len(words) == 3 and words[1] in UP and (partition or words[2].endswith("*"))]
    return [name for name, _state, _partition in sorted(up, key=lambda words: words[1] != "idle")]


def drained() -> set[str]:
    """The nodes that are to get no more jobs. Raises SlurmError."""
    return set(_run("sinfo", "-h", "-N", "-t", "drain", "-o", "%N").split())


def version() -> str:
    """SLURM's version. Raises SlurmError."""
    return one_line(_run("sinfo", "--version"))


def ping() -> str:
    """What the controllers say of themselves. Raises SlurmError."""
    return "; ".join(one_line(line) for line in _run("scontrol", "ping").splitlines() if line.strip())


def seconds(text: str) -> float | None:
    """A time as SLURM writes it (``1-02:03:04``, ``3:04``); None for UNLIMITED and what is none."""
    days, _, rest = text.strip().rpartition("-")
    parts = rest.split(":")
    if not all(part.isdigit() for part in (*parts, days or "0")) or len(parts) > 3:
        return None
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return float(int(days or 0) * 86400 + total)


def _number(text: str) -> int:
    """The number that a text begins with: ``64``, ``128+`` where nodes of a group differ."""
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def _gpus(gres: str) -> int:
    """``gpu:a100:4(S:0-1),shard:8`` are four."""
    entries = re.sub(r"\([^)]*\)", "", gres).split(",")
    return sum(_number(entry.rpartition(":")[2]) for entry in entries if entry.split(":")[0] == "gpu")


def _run(*command: str) -> str:
    """What a command prints. Raises SlurmError with the last line that it says where it fails."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment(),
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise SlurmError(f"the engine 'slurm' needs the command {command[0]}, which is not on the PATH") from None
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SlurmError(f"{command[0]} gave no answer: {type(error).__name__}: timed out") from None
        out.seek(0)
        err.seek(0)
        said, wrong = out.read(LARGEST).decode("utf-8", "replace"), err.read(LARGEST).decode("utf-8", "replace")
    if done.returncode:
        lines = [line for line in (wrong or said).splitlines() if line.strip()]
        raise SlurmError(f"{command[0]}: {one_line(lines[-1]) if lines else f'exit code {done.returncode}'}")
    return said


def environment() -> dict[str, str]:
    """What SLURM's commands get: where the driver itself is a job, its own settings would count for its jobs."""
    found = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("SLURM_") or key in ("SLURM_CONF", "SLURM_JWT")
    }
    return {**found, "LC_ALL": "C"}


def one_line(text: str) -> str:
    """A text as one line that can be printed."""
    return printable(" ".join(text.split()))[:300]
