"""What a spec's steps would ask the cluster for, and which of its nodes have that."""

from collections.abc import Iterator, Mapping, Sequence

from mlspec import formatting
from mlspec.engine import fitting
from mlspec.graph.step import Resources
from mlspec.spec.backend import Backend
from mlspec_backends import _slurm_commands as commands
from mlspec_backends._slurm_commands import SlurmError
from mlspec_backends._slurm_jobs import minutes

NAMED = 3  # steps


def place(settings: Backend, asked: Mapping[Resources, Sequence[str]]) -> Iterator[tuple[str, str, str]]:
    """For the steps that ask for the same: how many they are; ``ok``, or ``wrong`` where no node that is up has it; and
    what it is, in words. Says nothing where the cluster does not answer: others do."""
    try:
        groups = [group for group in commands.groups(settings.partition) if group.up]
    except SlurmError:
        return
    limit = minutes(settings.step_timeout) * 60.0 if settings.step_timeout else None
    for wanted, steps in asked.items():
        having = [group for group in groups if fitting.fits(wanted, group.node)]
        timely = [group for group in having if limit is None or group.limit is None or limit <= group.limit]
        if timely:
            found = f"fits {', '.join(sorted({group.names for group in timely}))}"
        elif having:
            longest = max(group.limit or 0.0 for group in having)
            found = f"too long: jobs may take {formatting.seconds(longest)} there"
        else:
            found = "fits no node"
        names = ", ".join(steps[:NAMED]) + (", ..." if len(steps) > NAMED else "")
        text = f"{', '.join(_parts(settings, wanted, limit))} for each of {names}: {found}"
        yield formatting.count(len(steps), "step"), "ok" if timely else "wrong", text


def _parts(settings: Backend, wanted: Resources, limit: float | None) -> Iterator[str]:
    yield fitting.text(wanted)
    if not wanted.memory:
        yield "the partition's default memory"
    yield f"a time limit of {formatting.seconds(limit)}" if limit else "the partition's time limit"
    if settings.options:
        yield f"with {' '.join(settings.options)}"
