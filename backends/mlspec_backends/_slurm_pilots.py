"""The jobs of a run: as many are submitted as steps wait, and what they find on their nodes is looked at."""

import time
from collections.abc import Iterable, Mapping

from mlspec.engine import remote
from mlspec.engine.backend import Ending, Failed, Listen, Progress, Setting
from mlspec.engine.pool import Errand, Pool, Shape
from mlspec_backends import _slurm_commands as commands
from mlspec_backends import _slurm_probe
from mlspec_backends._slurm_commands import SlurmError
from mlspec_backends._slurm_jobs import Job, cancel_waiting, options
from mlspec_backends._slurm_nodes import Nodes

LOOK = 3.0  # seconds between two calls of squeue, and before sbatch is tried again


class Pilots:
    """Those of a pool, by their names; ``jobs`` may have others too. ``versions`` are those of this machine, ``asked``
    says whether a job was ever submitted, ``looked`` when SLURM was last asked for their state."""

    def __init__(self, setting: Setting, pool: Pool, versions: Mapping[str, str]) -> None:
        self._setting, self._pool, self._versions = setting, pool, versions
        self.jobs: dict[str, Job] = {}
        self.nodes = Nodes(setting.partition)
        self.asked = False
        self.looked = self._tried = time.monotonic() - LOOK
        self._refused = ""

    def start(self, listen: Listen) -> list[Ending]:
        """Submit as many jobs as there are steps that no pilot is free for."""
        failed = self._fail_waiting()
        if time.monotonic() - self._tried < LOOK:
            return failed
        for shape in {errand.shape for errand in self.waiting()}:
            waiting = self._pool.waiting(shape)
            missing = min(len(waiting) - len(self._free(shape)), commands.MOST)
            if missing <= 0:
                continue
            if not self.asked:
                self.asked, self.looked = True, time.monotonic()
            root = self._pool.root
            command = remote.command(root, str(shape), shape.threads)
            asked = options(root, shape, self._setting, self.nodes.options(self._setting.options))
            try:
                names = commands.submit(root / "job.sh", command, asked, missing)
            except SlurmError as error:
                if error.passing:
                    self._tried = time.monotonic()
                    say(waiting, str(error), listen)
                    continue
                text = f"{error}{self.nodes.said()}"
                failed += [
                    Failed(errand.task.step, text) for errand in waiting[-missing:] if self._pool.withdraw(errand)
                ]
                continue
            self.jobs |= {name: Job(name, shape, self._pool) for name in names}
        return failed

    def _free(self, shape: Shape) -> list[Job]:
        """The pilots of a shape that have no step in hand, and take more."""
        taken = {errand.pilot for errand in self._pool.errands.values()}
        jobs = [job for job in self.jobs.values() if job.pool is self._pool and job.shape == shape]
        return [job for job in jobs if not job.retired and job.name not in taken]

    def greet(self, listen: Listen) -> list[Ending]:
        """Look at what new pilots have found: a node is left out where folder, locks or versions are not as here."""
        endings: list[Ending] = []
        for job in self.jobs.values():
            if job.greeted or job.pool is not self._pool:
                continue
            hello = self._pool.hello(job.name)
            if hello is None:
                continue
            job.greeted, job.node = True, hello.node
            why = _slurm_probe.refusal(self._pool, job.name, hello, self._versions)
            if why:
                self._pool.order(job.name, "retire")
                job.retired = True
                endings += self.leave_out(job, why, listen)
            else:
                self.nodes.good = True
        return endings

    def leave_out(self, job: Job, why: str, listen: Listen) -> list[Ending]:
        """Do without the node of a job. Steps fail only where no other node is left."""
        if self.nodes.leave_out(job.node, why):
            say(self.waiting(), f"{why}; the run goes on without this node", listen)
            # Those that have not started might start there.
            for other in self.jobs.values():
                other.ordered = other.ordered or (other.pool is self._pool and not other.greeted)
            cancel_waiting(self._pool.name)
            self.looked = 0.0
            self._refused = self._refused or self.nodes.hopeless()
        for errand in self.waiting() if self._refused else ():
            self._pool.log(job.name, self._setting.logs / f"{errand.task.step}.log")
        return self._fail_waiting()

    def _fail_waiting(self) -> list[Ending]:
        """Fail what waits where no node can be used."""
        failed: list[Ending] = []
        for errand in self.waiting() if self._refused else ():
            if self._pool.withdraw(errand):
                log = self._setting.logs / f"{errand.task.step}.log"
                failed.append(Failed(errand.task.step, self._refused, str(log) if log.exists() else None))
        return failed

    def waiting(self) -> list[Errand]:
        """The steps that no pilot has taken."""
        return [errand for errand in self._pool.errands.values() if errand.pilot is None]


def say(errands: Iterable[Errand], text: str, listen: Listen) -> None:
    """Show why steps wait, once for each reason."""
    for errand in errands:
        if errand.said != text:
            errand.said = text
            listen(Progress(errand.task.step, text, 0.0))
