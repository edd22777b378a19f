"""Steps as jobs of a SLURM cluster whose nodes share a folder with this machine: pilots take one after the other.

A pilot is a job that does step after step (``engine/remote.py``), so that a small step costs no job of its own. SLURM
requeues none of them: where a node is lost, what its pilot had in hand is handed out again here.
"""

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from mlspec.engine import handshake, limits, pool, threads
from mlspec.engine.backend import (
    Ending,
    Failed,
    Finished,
    Listen,
    Progress,
    RunTimeoutError,
    Setting,
    Task,
)
from mlspec.engine.pool import Cut, Errand, Pool, Terms
from mlspec.graph.step import Resources
from mlspec.spec.backend import Backend as Settings
from mlspec.store.store import Store
from mlspec_backends import _slurm_commands as commands
from mlspec_backends import _slurm_left, _slurm_placing, _slurm_probe, _slurm_ranks
from mlspec_backends._again import Again
from mlspec_backends._slurm_apart import Apart
from mlspec_backends._slurm_commands import LIVE, LOST, Seen, SlurmError
from mlspec_backends._slurm_jobs import Job, cancel, cancel_all, capacity, cause
from mlspec_backends._slurm_pilots import LOOK, Pilots, say
from mlspec_backends._small import Small, is_small
from mlspec_backends._spread import Spread

ELSEWHERE = True
FIRST, LONGEST = 0.02, 0.25  # seconds between two looks into the folder


class Slurm:
    """Small steps on this machine, the others by pilots."""

    def __init__(self, setting: Setting, store: Store) -> None:
        self._setting, self._store = setting, store
        self.capacity = capacity(setting)
        self._small = Small(setting, store)
        self._again = Again(setting.home, store)
        self._spread = Spread(setting, store, self.capacity.steps, self._begin, self._stop)
        # What a pilot does at a time may take all that its job has.
        there = replace(setting, until=None, step_timeout=None, steps=1)
        home = setting.home / "slurm"
        self._left = {errand.task.fingerprint: (job, errand) for job, errand in _slurm_left.taken_over(home)}
        self._others = list({id(job.pool): job.pool for job, _errand in self._left.values()}.values())
        versions = handshake.own(setting.versions)
        self._pool = pool.create(home, Terms(there, versions))
        (self._pool.root / "job.sh").write_text(commands.SCRIPT)
        self._pilots = Pilots(setting, self._pool, versions)
        self._jobs = self._pilots.jobs
        self._pause = FIRST

    def submit(self, task: Task) -> None:
        """Take a step down, hand it out, or wait for the job of a killed run that does it already."""
        if is_small(task):
            self._small.submit(task)
        elif not self._spread.begin(task):
            self._begin(task)

    def _begin(self, task: Task) -> None:
        self._again.begin(task)
        if task.fingerprint not in self._left:
            self._hand_out(task)
            return
        job, errand = self._left.pop(task.fingerprint)
        errand.task = task
        job.pool.errands[errand.folder.name] = errand
        self._jobs[job.name] = job

    def wait(self, listen: Listen) -> list[Ending]:
        """Wait for an ending: of what is done here, of what pilots do, or of the jobs themselves."""
        self._pause = FIRST
        listen = self._spread.listening(listen)
        while True:
            endings = [*self._pilots.start(listen), *self._small.poll(listen, self._pause)]
            endings += [ending for one in self._pools() for ending in self._hear(one, listen)]
            endings += self._pilots.greet(listen)
            if time.monotonic() - self._pilots.looked >= LOOK:
                endings += self._look(listen)
                self._pilots.looked = time.monotonic()
            endings += self._spread.poll(listen)
            endings = endings or self._over()
            if wanted := self._spread.settle(endings):
                return wanted
            if endings:
                self._pause = FIRST
            self._pause = min(self._pause * 1.1, LONGEST)

    def close(self) -> None:
        """Cancel all jobs, and wait until none is left."""
        self._spread.close()
        self._small.close()
        for one in self._pools():
            one.stop()
            for errand in one.errands.values():
                if errand.pilot is not None:
                    one.order(errand.pilot, "end")
        for one in self._pools():
            if one is not self._pool or self._pilots.asked:
                cancel_all(one.name)
            one.remove()
        self._store.sweep()

    def _pools(self) -> list[Pool]:
        """The run's own, and those of killed runs whose jobs still do a step."""
        return [self._pool, *self._others]

    def _hand_out(self, task: Task) -> None:
        widest = max(node.cpus for node in self.capacity.nodes)
        engine = threads.wanted(task, self._store, replace(self._setting, steps=widest))
        self._pool.put(*_slurm_ranks.placed(task, engine, self._pool.root))

    def _hand_out_again(self, task: Task, why: str, listen: Listen) -> None:
        listen(Progress(task.step, f"{why}; the step is handed out again", 0.0))
        self._hand_out(task)

    def _hear(self, one: Pool, listen: Listen) -> list[Ending]:
        endings: list[Ending] = []
        for errand, ending in one.hear(listen):
            job = self._jobs.get(errand.pilot or "") or Job(errand.pilot or "", errand.shape, one)
            if isinstance(ending, Cut):
                job.retired = True
                endings += self._after_limit(job, errand, listen)
            elif isinstance(ending, Failed) and ending.lost and self._again.after_loss(errand.task):
                # A training has lost one of its nodes: all of it is done again.
                job.retired = True
                one.order(job.name, "retire")
                self._hand_out_again(errand.task, ending.cause, listen)
            else:
                endings.append(self._noted(ending))
        if any(isinstance(ending, Failed) for ending in endings):
            # A worker that has died leaves what it had begun.
            self._store.sweep()
        return endings

    def _noted(self, ending: Ending) -> Ending:
        """With what is to be said once beside a result."""
        if not isinstance(ending, Finished) or not (note := self._pilots.nodes.note()):
            return ending
        return replace(ending, note=f"{ending.note}; {note}" if ending.note else note)

    def _after_limit(self, job: Job, errand: Errand, listen: Listen) -> list[Ending]:
        """The time of a job was over before its step was done."""
        if not self._again.after_limit(errand.task):
            return [self._failed(job, errand, Seen("TIMEOUT", "", job.node, None, 0.0))]
        text = f"the time limit of job {job.name} is reached; the step is handed out again and continues from there"
        listen(Progress(errand.task.step, text, 0.0))
        self._hand_out(errand.task)
        return []

    def _failed(self, job: Job, errand: Errand, seen: Seen) -> Failed:
        """The failure of a step whose job has ended."""
        step = errand.task.step
        log = job.pool.log(job.name, self._setting.logs / f"{step}.log")
        limit = {"OUT_OF_MEMORY": "memory", "TIMEOUT": "step_timeout"}.get(seen.state, "")
        limit = limit if limit and getattr(self._setting, limit) else ""
        return Failed(step, cause(job, seen, self._again.lost(errand.task)), log, limit=limit)

    def _look(self, listen: Listen) -> list[Ending]:
        """What SLURM says of the jobs: which wait, and why; which have ended without a word."""
        endings: list[Ending] = []
        for one in self._pools():
            mine = [job for job in self._jobs.values() if job.pool is one]
            if not mine and (one is not self._pool or not self._pilots.asked):
                continue
            try:
                seen, drained = commands.look(one.name), commands.drained()
            except SlurmError as error:
                say(one.errands.values(), str(error), listen)
                continue
            # What they have written since is older than what SLURM says.
            endings += self._hear(one, listen)
            for job in mine:
                found = seen.get(job.name, Seen("GONE", "", job.node, None, 0.0))
                if found.state in LIVE:
                    self._note(job, found, drained, listen)
                elif not ((errand := one.left_by(job.name)) and one.has_ended(errand)):
                    del self._jobs[job.name]
                    endings += self._gone(job, found, listen)
            # Jobs whose submission had no answer.
            lost = [name for name, found in seen.items() if found.state in LIVE and name not in self._jobs]
            if one is self._pool and lost:
                cancel(one.name, lost)
        return endings

    def _note(self, job: Job, seen: Seen, drained: Container[str], listen: Listen) -> None:
        job.node = seen.node or job.node
        if seen.state == "PENDING":
            say(self._pool.waiting(job.shape), f"SLURM holds its job back: {seen.reason}", listen)
        elif not job.retired and job.node in drained:
            job.retired = True
            job.pool.order(job.name, "retire")
            if (errand := job.pool.taken_by(job.name)) is not None:
                say([errand], f"the node {job.node} is being drained: its job takes no more steps", listen)
        elif not job.retired and seen.limit is not None and seen.used > seen.limit / 2:
            job.retired = True
            job.pool.order(job.name, "retire")

    def _gone(self, job: Job, seen: Seen, listen: Listen) -> list[Ending]:
        """A job has ended: what it had in hand is handed out again where its node was lost, else it has failed."""
        errand = job.pool.taken_by(job.name)
        # It may only seem to be dead: what it still does is wanted no more.
        job.pool.order(job.name, "end")
        job.node = seen.node or job.node
        job.greeted = job.greeted or job.pool.hello(job.name) is not None
        if errand is not None:
            job.pool.drop(errand)
            self._store.sweep()
            if seen.state == "TIMEOUT":
                return self._after_limit(job, errand, listen)
            if seen.state in LOST and self._again.after_loss(errand.task):
                self._hand_out_again(errand.task, f"the node {job.node} was lost ({seen.state})", listen)
                return []
            return [self._failed(job, errand, seen)]
        if job.node and not job.greeted and seen.state == "FAILED":
            return self._pilots.leave_out(job, cause(job, seen), listen)
        if job.ordered or seen.state in LOST or (job.greeted and seen.state in ("COMPLETED", "TIMEOUT", "GONE")):
            return []
        # It ended before it took a step: one that waits fails, or jobs would be submitted for ever.
        waiting = reversed(self._pool.waiting(job.shape))
        errand = next((one for one in waiting if self._pool.withdraw(one)), None)
        return [] if errand is None else [self._failed(job, errand, seen)]

    def _over(self) -> list[Ending]:
        """End what takes longer than it may. Raises RunTimeoutError when the whole run does."""
        setting, now = self._setting, time.monotonic()
        running = [errand for one in self._pools() for errand in one.errands.values() if errand.pilot]
        if setting.until is not None and now >= setting.until:
            names = [errand.task.step for errand in sorted(running, key=lambda errand: errand.began)]
            names += [*self._spread.names, *self._small.names]
            names += [errand.task.step for errand in self._pool.errands.values()]
            raise RunTimeoutError(self._spread.whole(names[0]), limits.run_over())
        if setting.step_timeout is None:
            return []
        endings: list[Ending] = []
        for errand in running:
            job = self._jobs.get(errand.pilot or "")
            if job is not None and now - errand.began >= setting.step_timeout:
                _end(job, errand)
                step, cause = errand.task.step, limits.step_over(setting.step_timeout)
                endings.append(Failed(step, cause, str(setting.logs / f"{step}.log"), limit="step_timeout"))
        return endings

    def _stop(self, step: str) -> None:
        """End a part that is wanted no more."""
        for one in self._pools():
            for errand in [errand for errand in one.errands.values() if errand.task.step == step]:
                job = self._jobs.get(errand.pilot or "")
                if job is not None:
                    _end(job, errand)
                elif not one.withdraw(errand):
                    one.drop(errand)


def examine(settings: Settings, folder: Path) -> Iterator[tuple[str, str, str]]:
    """What ``mlspec doctor`` says of a cluster: what was looked at, ok or wrong, and what was found."""
    return _slurm_probe.examine(settings, folder)


def clean(home: Path) -> None:
    """Remove what killed runs have left in the folder of this engine, and cancel their jobs."""
    _slurm_left.clean(home)


def _end(job: Job, errand: Errand) -> None:
    """Have a job end, with what it has in hand."""
    job.ordered = True
    job.pool.drop(errand)
    job.pool.order(job.name, "end")
    cancel(job.pool.name, [job.name])


def place(settings: Settings, asked: Mapping[Resources, Sequence[str]]) -> Iterator[tuple[str, str, str]]:
    """What ``mlspec doctor`` says of the steps that ask for the same each: what that is, and which nodes have it."""
    return _slurm_placing.place(settings, asked)


def start(setting: Setting, store: Store) -> Slurm | Apart:
    """The backend. Raises SlurmError where the cluster does not answer, UnusableError where no node is up."""
    return Slurm(setting, store) if setting.shared_folder else Apart(setting, store)
