"""Several processes that do one step together, in the environment that torchrun gives: RANK, WORLD_SIZE and so on.

This process starts them, hears them, and ends them all when one has died. The first of them makes the step's outputs.
"""

import contextlib
import importlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import msgspec

from mlspec.diagnostics import StepError
from mlspec.machine import child_process, resources, secret_values
from mlspec.steps.job import Job

READ = 1 << 16
MEMBER = "MLSPEC_MEMBER"
GRACE = 10.0  # seconds that the others have to report why they ended, after the first has


class Member(msgspec.Struct, frozen=True):
    """The line that a process reads: who started it, which of how many it is, where they meet, and what to do."""

    parent: int
    rank: int
    size: int
    meeting: str
    work: str
    job: dict[str, Any]


class Progress(msgspec.Struct, frozen=True, tag_field="report", tag="progress"):
    """Progress of the step."""

    what: str
    share: float
    figures: dict[str, float]


class Ended(msgspec.Struct, frozen=True, tag_field="report", tag="ended"):
    """A process has done its part, or says why not; ``follows``: because another one is gone."""

    cause: str = ""
    setting: str = ""
    follows: bool = False


def together(job: Job, work: str) -> None:
    """Have the function ``run`` of the module ``work`` do a step in ``job.processes`` processes.

    All of them are given the job, each but the first with outputs that are thrown away. Raises StepError when one fails
    or dies, with the first cause; none is left then.
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


def is_member() -> bool:
    """Whether this is one of the processes that ``together`` has started."""
    return MEMBER in os.environ


class _Process:
    def __init__(self, job: Job, work: str, rank: int, meeting: Path) -> None:
        self.rank, self.size = rank, job.processes
        self.ended: Ended | None = None
        self._rest = b""
        self._log = meeting / f"{rank}.log"
        place = job.gpus[rank] if rank < len(job.gpus) else rank
        text = {
            MEMBER: "1",
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(job.processes),
            "LOCAL_WORLD_SIZE": str(job.processes),
        }
        # They are all on this machine, whose name may be in no table of hosts.
        known = sys.platform != "linux" or "GLOO_SOCKET_IFNAME" in os.environ
        home = {} if known else {"GLOO_SOCKET_IFNAME": "lo"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                child_process.command("mlspec.steps.training.distributed"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **resources.threads(), **home, **text},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.output = self._process.stdout.fileno()
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
            "threads": job.threads,
            "memory": job.memory,
            "allowed": job.allowed,
        }
        member = Member(os.getpid(), rank, job.processes, str(meeting / "meeting"), work, plain)
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(member, enc_hook=os.fspath) + b"\n")
            self._process.stdin.flush()

    def read(self) -> list[Progress | Ended] | None:
        data = os.read(self.output, READ)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [_DECODER.decode(line) for line in lines]

    def death(self) -> Ended:
        """How it ended that said nothing."""
        code = self._process.wait()
        who = f"process {self.rank + 1} of {self.size}"
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
        raise StepError(cause.cause, cause.setting)


def main() -> None:
    """Be one of the processes."""
    tasks, reports = child_process.pipes()
    line = tasks.readline()
    if not line.endswith(b"\n"):
        return
    # What it prints goes where its errors go.
    os.dup2(2, 1)
    member = msgspec.json.decode(line, type=Member)
    child_process.die_with(member.parent)

    def send(report: Progress | Ended) -> None:
        reports.write(msgspec.json.encode(report) + b"\n")
        reports.flush()

    def progress(what: str, share: float, figures: dict[str, float]) -> None:
        send(Progress(what, float(share), {name: float(value) for name, value in figures.items()}))

    send(_part(member, progress))


def _part(member: Member, progress: Any) -> Ended:
    from mlspec.torchkit import together

    job = msgspec.convert(member.job, Job, dec_hook=lambda _type, value: Path(value))
    job = msgspec.structs.replace(job, progress=progress)
    try:
        with together.joined(member.rank, member.size, member.meeting, job.device):
            importlib.import_module(member.work).run(job)
    except together.PeerLostError as error:
        return Ended(str(error), follows=True)
    except StepError as error:
        return Ended(str(error), error.setting)
    except Exception as error:
        print(secret_values.hidden(traceback.format_exc()), file=sys.stderr)
        return Ended(f"{type(error).__name__}: {' '.join(secret_values.hidden(str(error)).split())[:300]}")
    return Ended()


_DECODER: msgspec.json.Decoder[Progress | Ended] = msgspec.json.Decoder(Progress | Ended)

if __name__ == "__main__":
    main()
