"""Several processes that do one step together, in the environment that torchrun gives: RANK, WORLD_SIZE and so on.

This process starts them, on this machine or by the engine's commands on others too, hears them, and ends them all when
one has died. What they do is in ``member.py``; the first of them, on this machine, makes the step's outputs.
"""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from mlspec.diagnostics import StepError
from mlspec.machine import child_process, resources
from mlspec.machine.json_lines import Lines
from mlspec.machine.network import Endpoint
from mlspec.steps.job import Job, LostError
from mlspec.steps.training.member import MEMBER, Ended, Member, Opened, Progress, Report

READ = 1 << 16
GRACE = 10.0  # seconds that the others have to report why they ended, after the first has


def together(job: Job, work: str) -> None:
    """Have the function ``run`` of the module ``work`` do a step in ``job.processes`` processes.

    All of them are given the job, each but the first with outputs that are thrown away. Raises StepError when one fails
    or dies, with the first cause, LostError when one on another machine is lost with no cause of its own; none is left
    then.
    """
    meeting = job.scratch / "together"
    # One that was killed has left where it met.
    shutil.rmtree(meeting, ignore_errors=True)
    meeting.mkdir(parents=True)
    members: list[_Process] = []
    try:
        for rank in range(job.processes):
            members.append(_Process(job, work, rank, meeting))
        _hear(members, job)
    finally:
        for member in members:
            member.end()
        for member in members:
            print(member.printed(), end="")
        shutil.rmtree(meeting, ignore_errors=True)


class _Process:
    def __init__(self, job: Job, work: str, rank: int, meeting: Path) -> None:
        self.rank, self.size = rank, job.processes
        self.ended: Ended | None = None
        self._lines = Lines[Report](Report)
        self._log = meeting / f"{rank}.log"
        nodes = 1 + len(job.elsewhere)
        each = job.processes // nodes
        node, local = divmod(rank, each)
        self.elsewhere = node > 0
        command = child_process.command("mlspec.steps.training.member")
        text = {
            MEMBER: "1",
            "RANK": str(rank),
            "LOCAL_RANK": str(local),
            "GROUP_RANK": str(node),
            "WORLD_SIZE": str(job.processes),
            "LOCAL_WORLD_SIZE": str(each),
        }
        if nodes == 1 and sys.platform == "linux" and "GLOO_SOCKET_IFNAME" not in os.environ:
            # They are all on this machine, whose name may be in no table of hosts.
            text["GLOO_SOCKET_IFNAME"] = "lo"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                child_process.dying(job.elsewhere[node - 1]) if node else command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **resources.threads(), **text},
                # What starts a process elsewhere also ends it there, and is not to be killed before it has.
                start_new_session=node > 0,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.output = self._process.stdout.fileno()
        place = job.gpus[local] if local < len(job.gpus) else local
        plain: dict[str, Any] = {
            "id": job.id,
            "kind": job.kind,
            "params": job.params,
            "inputs": job.inputs,
            "outputs": job.outputs if rank == 0 else {name: meeting / f"{rank}-{name}" for name in job.outputs},
            "scratch": job.scratch,
            "root": job.root,
            "device": f"cuda:{place}" if job.device == "cuda" else job.device,
            "processes": job.processes,
            "accumulate": job.accumulate,
            "seconds": job.seconds,
            "threads": job.threads,
            "memory": job.memory,
            "allowed": job.allowed,
        }
        parent, file = (os.getpid() if node == 0 else 0), ("" if nodes > 1 else str(meeting / "meeting"))
        self._tell(Member(parent, rank, job.processes, file, work, plain))

    def meet(self, place: Endpoint) -> None:
        """Let it come to the first one."""
        if self.rank:
            self._tell(place)

    def read(self) -> list[Report] | None:
        """What it reports, once there is something to read; None when it has ended. One that can't be understood is."""
        data = os.read(self.output, READ)
        if not data:
            return None
        found = self._lines.feed(data)
        if not self._lines.trouble:
            return found
        self._process.kill()
        return [*found, Ended(f"process {self.rank + 1} of {self.size}: {self._lines.trouble}")]

    def death(self) -> Ended:
        """How it ended that said nothing."""
        code = self._process.wait()
        who = f"process {self.rank + 1} of {self.size}"
        if self.elsewhere:
            # What started it ends as a shell does: with 128 and the number of the signal, TERM where its job is ended.
            if code <= 128 or code == 128 + signal.SIGTERM:
                return Ended(f"{who} is lost: the command that started it ended with exit code {code}", follows=True)
            code = 128 - code
        if code >= 0:
            return Ended(f"{who} ended with exit code {code}")
        return Ended(f"{who} was killed by {signal.Signals(-code).name}")

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def printed(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="backslashreplace")
        return ""

    def _tell(self, message: Member | Endpoint) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(message, enc_hook=os.fspath) + b"\n")
            self._process.stdin.flush()


def _hear(members: list[_Process], job: Job) -> None:
    """Listen until all have ended. Raises StepError when one did not do its part."""
    failed: list[Ended] = []
    end: float | None = None
    with selectors.DefaultSelector() as open_ones:
        for member in members:
            open_ones.register(member.output, selectors.EVENT_READ, member)
        while open_ones.get_map():
            left = None if end is None else max(0.0, end - time.monotonic())
            if left == 0.0:
                break
            for key, _ in open_ones.select(left):
                member = key.data
                reports = member.read()
                for report in reports or ():
                    if isinstance(report, Progress):
                        job.progress(report.what, report.share, report.figures)
                    elif isinstance(report, Opened):
                        for other in members:
                            other.meet(report.place)
                    else:
                        member.ended = report
                if reports is None:
                    open_ones.unregister(member.output)
                    ended = member.ended or member.death()
                    if ended.cause:
                        failed.append(ended)
                        # The others notice: their reports may be the cause of it, or a consequence.
                        end = end or time.monotonic() + GRACE
    if failed:
        cause = min(failed, key=lambda ended: ended.follows)
        if job.elsewhere and cause.follows:
            raise LostError(cause.cause)
        raise StepError(cause.cause, cause.setting)
