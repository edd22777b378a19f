"""One of several processes that train together (``distributed.py`` starts them), on this machine or on another.

It reads what it is to do as a line of JSON from the process that started it, and writes reports as lines of JSON.
"""

import contextlib
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import msgspec

from mlspec.diagnostics import StepError
from mlspec.machine import child_process, secret_values
from mlspec.machine.network import Endpoint
from mlspec.steps.job import Job

MEMBER = "MLSPEC_MEMBER"


class Member(msgspec.Struct, frozen=True):
    """What a process is given: who started it (0: a process on another machine), which of how many it is, the file
    through which they meet (empty: they meet over the network), what to do, and the job."""

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


class Opened(msgspec.Struct, frozen=True, tag_field="report", tag="opened"):
    """The first process waits for the others there: each of them is given this place as its second line."""

    place: Endpoint


class Ended(msgspec.Struct, frozen=True, tag_field="report", tag="ended"):
    """A process has done its part, or says why not; ``follows``: because another one is gone."""

    cause: str = ""
    setting: str = ""
    follows: bool = False


Report = Progress | Opened | Ended


def is_member() -> bool:
    """Whether this is one of several processes that train together."""
    return MEMBER in os.environ


def main() -> None:
    """Be one of the processes."""
    tasks, reports = child_process.pipes()
    line = tasks.readline()
    if not line.endswith(b"\n"):
        return
    # What it prints goes where its errors go.
    os.dup2(2, 1)
    member = msgspec.json.decode(line, type=Member)
    child_process.die_with(member.parent or os.getppid())

    def send(report: Report) -> None:
        reports.write(msgspec.json.encode(report) + b"\n")
        reports.flush()

    def progress(what: str, share: float, figures: dict[str, float]) -> None:
        send(Progress(what, float(share), {name: float(value) for name, value in figures.items()}))

    place = None
    if not member.meeting and member.rank:
        line = tasks.readline()
        if not line.endswith(b"\n"):
            return
        place = msgspec.json.decode(line, type=Endpoint)
    threading.Thread(target=_end_with, args=(tasks,), daemon=True).start()
    send(_part(member, place, progress, lambda opened: send(Opened(opened))))


def refuse(cause: str) -> None:
    """End in place of ``main``: this machine can't do a process's part."""
    print(msgspec.json.encode(Ended(cause)).decode(), flush=True)


def _end_with(tasks: IO[bytes]) -> None:
    """The process that started this may be on another machine, and die there."""
    with contextlib.suppress(OSError):
        while os.read(tasks.fileno(), 1):
            pass
    os.kill(os.getpid(), signal.SIGKILL)


def _part(
    member: Member,
    place: Endpoint | None,
    progress: Callable[[str, float, dict[str, float]], None],
    publish: Callable[[Endpoint], None],
) -> Ended:
    from mlspec.torchkit import together

    job = msgspec.convert(member.job, Job, dec_hook=lambda _type, value: Path(value))
    job = msgspec.structs.replace(job, progress=progress)
    try:
        missing = [path for path in job.inputs.values() if not path.exists()]
        if missing:
            return Ended(f"process {member.rank + 1} of {member.size} is on a node that does not see '{missing[0]}'")
        where = _meeting(member, place, publish)
        with together.joined(member.rank, member.size, where, job.device):
            importlib.import_module(member.work).run(job)
    except together.PeerLostError as error:
        return Ended(str(error), follows=True)
    except StepError as error:
        return Ended(str(error), error.setting)
    except Exception as error:
        print(secret_values.hidden(traceback.format_exc()), file=sys.stderr)
        return Ended(f"{type(error).__name__}: {' '.join(secret_values.hidden(str(error)).split())[:300]}")
    return Ended()


def _meeting(member: Member, place: Endpoint | None, publish: Callable[[Endpoint], None]) -> Any:
    """Where the processes meet: a file, or the store of the first one."""
    from mlspec.torchkit import meeting

    if member.meeting:
        return member.meeting
    return meeting.opened(member.size, publish) if place is None else meeting.joined(member.rank, member.size, place)


if __name__ == "__main__":
    main()
