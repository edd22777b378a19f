"""What killed runs have left: jobs that still do a step are taken over, others are cancelled, and folders removed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mlspec.engine.abandoned_pools import abandoned
from mlspec.engine.pool import Errand
from mlspec_backends import _slurm_commands as commands
from mlspec_backends._slurm_commands import LIVE, SlurmError
from mlspec_backends._slurm_jobs import Job


def taken_over(home: Path) -> Iterator[tuple[Job, Errand]]:
    """The jobs of killed runs that still do a step. Others of theirs are cancelled. Raises SlurmError."""
    for one in abandoned(home):
        seen = commands.look(one.name)
        running = {name for name, found in seen.items() if found.state == "RUNNING"}
        busy: set[str] = set()
        for errand in list(one.errands.values()):
            one.drop(errand)
            if errand.pilot in running:
                busy.add(errand.pilot)
                yield Job(errand.pilot, errand.shape, one, greeted=True, retired=True), errand
        idle = [name for name, found in seen.items() if found.state in LIVE and name not in busy]
        if idle:
            commands.cancel(one.name, idle)
        if not busy:
            one.remove()


def clean(home: Path) -> None:
    """Cancel the jobs of killed runs, if SLURM answers, and remove their folders: a pilot whose folder is gone ends."""
    for one in abandoned(home):
        with contextlib.suppress(SlurmError):
            commands.cancel(one.name)
        one.remove()
