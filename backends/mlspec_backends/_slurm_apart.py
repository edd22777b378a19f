"""Steps on nodes that share no folder with this machine: `srun` starts a process there, and passes lines both ways.

Inputs and results go through the shared store (``engine/apart.py``). Steps that read files of the spec's folder, and
small ones, are done on this machine. A step whose node is lost begins again: its checkpoints were there.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from mlspec.engine import apart, handshake, limits, pool
from mlspec.engine.apart import Arrived, Printed
from mlspec.engine.backend import (
    Ask,
    Ending,
    Failed,
    Listen,
    Progress,
    RunTimeoutError,
    Setting,
    Task,
    UnusableError,
)
from mlspec.engine.handover import Handover
from mlspec.engine.pool import Shape, Terms
from mlspec.store.store import Store
from mlspec_backends import _slurm_commands as commands
from mlspec_backends import _slurm_left
from mlspec_backends._again import LOST as TRIES
from mlspec_backends._sessions import Session
from mlspec_backends._slurm_commands import LIVE, LOST, Seen, SlurmError
from mlspec_backends._slurm_jobs import Job, asked, cancel_all, capacity, cause
from mlspec_backends._slurm_nodes import Nodes
from mlspec_backends._small import Small, is_small

LOOK = 3.0  # seconds between two calls of squeue, and before srun is tried again
IDLE = 30.0  # seconds without a step after which a session is closed
FIRST, LONGEST = 0.02, 0.25  # seconds between two looks at the sessions


def refusal(arrived: Arrived, here: Mapping[str, str]) -> str:
    """Why a node can't be used, in words; empty where it can. ``here`` are the versions on this machine."""
    if different := handshake.differences(here, arrived.versions):
        return f"the node {arrived.node} has other versions than this machine: {different}"
    return f"on the node {arrived.node}, {arrived.trouble}" if arrived.trouble else ""


def started(options: Sequence[str], errors: Path, shape: Shape, terms: Terms) -> Session:
    """A session that `srun` starts with these options."""
    command = ["srun", *options, "--", *apart.command(shape.threads)]
    return Session(command, commands.environment(), errors, shape, terms)


class Apart:
    """Small steps on this machine, the others in sessions on nodes."""

    def __init__(self, setting: Setting, store: Store) -> None:
        self._handover = Handover(setting, store)
        if shutil.which("srun") is None:
            raise UnusableError("the command srun is not on the PATH", "shared_folder", "it starts steps on nodes")
        self._setting, self._store, self.capacity = setting, store, capacity(setting)
        self._small, self._nodes = Small(setting, store), Nodes(setting.partition)
        home = setting.home / "slurm"
        # Nothing of killed runs can be taken over.
        _slurm_left.clean(home)
        there = replace(setting, until=None, step_timeout=None, steps=1)
        self._terms = Terms(there, handshake.own(setting.versions))
        self._pool = pool.create(home, self._terms)
        self._sessions: list[Session] = []
        self._waiting: list[tuple[Shape, Task]] = []
        self._lost: dict[str, int] = {}
        self._seen: dict[str, Seen] = {}
        self._looked = self._tried = time.monotonic() - LOOK
        self._asked, self._refused = False, ""

    def submit(self, task: Task) -> None:
        """Take a step down."""
        if is_small(task) or task.files:
            self._small.submit(task)
            return
        count = len(task.gpus)
        device = "cuda:0" if count == 1 else task.device
        task = replace(task, gpus=tuple(range(count)), device=device) if count else task
        self._waiting.append((Shape(task.threads * task.processes, count, 1), task))

    def wait(self, listen: Listen) -> list[Ending]:
        """Wait for an ending: of what is done here, or on a node."""
        pause = FIRST
        while True:
            endings = [*self._small.poll(listen, pause), *self._start(listen)]
            if self._asked and time.monotonic() - self._looked >= LOOK:
                self._look(listen)
            for session in list(self._sessions):
                endings += self._hear(session, listen)
            endings = endings or self._over()
            if endings:
                return endings
            pause = min(pause * 1.1, LONGEST)

    def close(self) -> None:
        """End all sessions, and wait until no job is left."""
        self._small.close()
        for session in self._sessions:
            session.close()
        if self._asked:
            cancel_all(self._pool.name)
        for session in self._sessions:
            session.end()
        self._pool.remove()

    def _start(self, listen: Listen) -> list[Ending]:
        """Hand out what waits to sessions that do nothing, and submit as many others as are missing."""
        if self._refused:
            left, self._waiting = self._waiting, []
            return [Failed(task.step, self._refused) for _shape, task in left]
        endings: list[Ending] = []
        coming: list[Shape] = [one.shape for one in self._sessions if not one.node]
        for entry in list(self._waiting):
            shape, task = entry
            free = [one for one in self._sessions if one.node and not one.retired and not one.task]
            fitting = next((one for one in free if one.shape == shape), None)
            if fitting is not None:
                self._waiting.remove(entry)
                if cause := self._handover.put(task):
                    endings.append(Failed(task.step, cause))
                else:
                    fitting.begin(task)
            elif shape in coming:
                coming.remove(shape)
            elif time.monotonic() - self._tried >= LOOK:
                self._submit(shape)
        return endings

    def _submit(self, shape: Shape) -> None:
        options = [f"--job-name={self._pool.name}", "--chdir=/tmp", "--input=0", "--unbuffered", "--mpi=none"]
        options += asked(shape, self._setting, self._nodes.options(self._setting.options))
        errors = self._pool.root / "logs" / f"{len(list((self._pool.root / 'logs').iterdir()))}"
        self._sessions.append(started(options, errors, shape, self._terms))
        self._asked = True

    def _hear(self, session: Session, listen: Listen) -> list[Ending]:
        endings: list[Ending] = []
        reports = session.read()
        if reports is None:
            self._sessions.remove(session)
            return self._gone(session, listen)
        for report in reports:
            if isinstance(report, Arrived):
                self._greet(session, report, listen)
            elif (task := session.task) is None or isinstance(report, Ask):
                continue
            elif isinstance(report, Printed):
                self._handover.print(task, report)
            elif isinstance(report, Progress):
                listen(replace(report, step=task.step))
            else:
                endings.append(self._handover.ended(task, report))
                session.end_task()
        if session.node and not session.task and (session.retired or time.monotonic() - session.since > IDLE):
            session.close()
        return endings

    def _greet(self, session: Session, arrived: Arrived, listen: Listen) -> None:
        session.job, session.node, session.since = arrived.job, arrived.node, time.monotonic()
        if why := refusal(arrived, self._terms.versions):
            session.close()
            if self._nodes.leave_out(arrived.node, why):
                self._say(f"{why}; the run goes on without this node", listen)
            self._refused = self._nodes.hopeless()
        else:
            self._nodes.good = True

    def _say(self, text: str, listen: Listen) -> None:
        for _shape, task in self._waiting:
            listen(Progress(task.step, text, 0.0))

    def _look(self, listen: Listen) -> None:
        """What SLURM says of the jobs: why they wait; which have used half of their time."""
        self._looked = time.monotonic()
        try:
            seen = commands.look(self._pool.name)
        except SlurmError:
            return
        reasons = {one.reason for one in seen.values() if one.state == "PENDING"}
        if reasons and not any(one.reason in reasons for one in self._seen.values()):
            self._say(f"SLURM holds its job back: {', '.join(sorted(reasons))}", listen)
        self._seen = seen
        for session in self._sessions:
            one = seen.get(session.job)
            session.retired |= one is not None and one.limit is not None and one.used > one.limit / 2

    def _gone(self, session: Session, listen: Listen) -> list[Ending]:
        """A session has ended: what it did is handed out again where its node was lost, else it has failed."""
        complaint, task = session.complaint(), session.task
        session.end()
        if task is None:
            if session.node or not self._waiting:
                return []
            if SlurmError(complaint).passing:
                self._tried = time.monotonic()
                self._say(complaint, listen)
                return []
            mine = next((entry for entry in reversed(self._waiting) if entry[0] == session.shape), None)
            if mine is None:
                return []
            self._waiting.remove(mine)
            return [Failed(mine[1].step, (complaint or "srun ended without a word") + self._nodes.said())]
        seen = self._end_of(session)
        lost = self._lost[task.step] = self._lost.get(task.step, 0) + 1
        if seen.state in LOST and lost <= TRIES:
            listen(Progress(task.step, f"the node {session.node} was lost ({seen.state}); the step begins again", 0.0))
            self._waiting.append((session.shape, task))
            return []
        job = Job(session.job, session.shape, self._pool, greeted=True, node=session.node)
        return [Failed(task.step, cause(job, seen, lost))]

    def _end_of(self, session: Session) -> Seen:
        """How a job has ended, once SLURM knows."""
        gone = Seen("GONE", "", session.node, None, 0.0)
        until = time.monotonic() + LOOK
        while True:
            try:
                seen = commands.look(self._pool.name).get(session.job, gone)
            except SlurmError:
                seen = gone
            if seen.state not in LIVE or time.monotonic() > until:
                return seen
            time.sleep(0.1)

    def _over(self) -> list[Ending]:
        """End what takes longer than it may. Raises RunTimeoutError when the whole run does."""
        setting, now = self._setting, time.monotonic()
        running = sorted((one for one in self._sessions if one.task), key=lambda one: one.since)
        if setting.until is not None and now >= setting.until:
            names = [one.task.step for one in running if one.task]
            names += [*self._small.names, *(task.step for _shape, task in self._waiting)]
            raise RunTimeoutError(names[0], limits.run_over())
        if setting.step_timeout is None:
            return []
        endings: list[Ending] = []
        for session in running:
            if session.task is not None and now - session.since >= setting.step_timeout:
                self._sessions.remove(session)
                session.end()
                log = str(setting.logs / f"{session.task.step}.log")
                cause = limits.step_over(setting.step_timeout)
                endings.append(Failed(session.task.step, cause, log, limit="step_timeout"))
        return endings
