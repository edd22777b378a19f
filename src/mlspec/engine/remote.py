"""A pilot: a process on another machine that takes steps from a shared folder (``pool.py``) and does them one after the
other, in a worker process that stays warm.

It ends when it is ordered to, when it has had nothing to do for a while, and when its driver has died: what it has in
hand is then finished first, and its result is in the store for the next run. SIGUSR1 says that its job is about to
reach its time limit: it ends the step that it has in hand, which another pilot continues from its checkpoint.
"""

import contextlib
import fcntl
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from mlspec.engine import handshake
from mlspec.engine.backend import Failed, Progress, Report, Setting, Task
from mlspec.engine.pool import Cut, Hello, Terms, is_held, mark
from mlspec.engine.run_step import NODE
from mlspec.engine.worker_process import Worker
from mlspec.machine import child_process, safe_files
from mlspec.store import files

PILOT = "MLSPEC_PILOT"  # the environment variable with a pilot's name
IDLE = 30.0  # seconds without a step after which a pilot ends
FIRST, LONGEST = 0.02, 0.5  # seconds between two looks for a step: the first ones, and when there was none for long
WATCH = 1.0  # seconds between two looks for orders and for the driver


def command(root: Path, shape: str, threads: int) -> list[str]:
    """What starts a pilot on a machine with the same file system; its name is in its environment."""
    return child_process.command("mlspec.engine.remote", str(root), shape, str(threads))


def carry(worker: Worker, task: Task, over: Callable[[], bool]) -> Iterator[Report]:
    """Have a worker do a step: its progress, then how it ended; no ending where ``over`` says so."""
    worker.begin(task)
    looked = time.monotonic()
    while True:
        if select.select([worker.output], [], [], WATCH)[0]:
            reports = worker.read()
            if reports is None:
                yield Failed(task.step, worker.death())
                return
            for report in reports:
                yield report
                if not isinstance(report, Progress):
                    return
        if time.monotonic() - looked >= WATCH:
            looked = time.monotonic()
            if over():
                return


class Pilot:
    """Takes steps of one shape. ``root`` is the pool's folder, ``threads`` how many its data engine takes."""

    def __init__(self, root: Path, shape: str, threads: int, name: str, setting: Setting) -> None:
        self._root, self._shape, self._threads, self._name, self._setting = root, shape, threads, name, setting
        self._queue = root / "queue" / shape
        self._worker: Worker | None = None
        self._asked = time.monotonic()
        self._marked = 0.0
        self._busy = self._late = False

    def warn(self, *_: object) -> None:
        """The job is about to reach its time limit. Without a step in hand there is nothing to do: no more are taken
        long before that."""
        self._late = self._late or self._busy

    def serve(self) -> None:
        """Do what there is to do until it is over."""
        idle, pause = time.monotonic(), FIRST
        try:
            while not self._is_over():
                found = self._take()
                if found is not None:
                    self._busy = True
                    self._do(found)
                    self._busy = False
                    idle, pause = time.monotonic(), FIRST
                elif time.monotonic() - idle > IDLE:
                    return
                else:
                    time.sleep(pause)
                    pause = min(pause * 1.2, LONGEST)
        finally:
            if self._worker is not None:
                self._worker.end()

    def _is_over(self) -> bool:
        """Whether no more steps are to be taken."""
        if self._late or self._has("stop") or self._has(f"pilots/{self._name}.retire") or self._is_fenced():
            return True
        if time.monotonic() - self._asked < WATCH:
            return False
        self._asked = time.monotonic()
        return not lives(self._root)

    def _is_fenced(self) -> bool:
        """Whether what is being done is wanted no more: others do it, or everything is over."""
        return self._has(f"pilots/{self._name}.end") or not self._has("pool.json")

    def _has(self, name: str) -> bool:
        return (self._root / name).exists()

    def _take(self) -> Path | None:
        """The folder of the step that has waited longest, now ours."""
        self._marked = mark(self._queue, self._marked)
        try:
            names = sorted(name for name in os.listdir(self._queue) if not name.startswith("."))
        except FileNotFoundError:
            return None
        for name in names:
            folder = self._root / "tasks" / name
            taken = folder / f"taken.{self._name}"
            try:
                os.rename(self._queue / name, taken)
                return folder
            except FileNotFoundError:
                # A network file system may rename, lose the answer, and find nothing to rename the second time.
                if taken.exists():
                    return folder
        return None

    def _do(self, folder: Path) -> None:
        task = msgspec.json.decode(safe_files.read(folder / "task.json"), type=Task)
        if self._worker is not None and not self._worker.alive():
            self._worker.end()
            self._worker = None
        worker = self._worker = self._worker or Worker(self._setting, self._threads)
        log = str(self._setting.logs / f"{task.step}.log")
        ended = False
        with (folder / "progress.jsonl").open("ab", buffering=0) as progress:
            for report in carry(worker, task, lambda: self._late or self._is_fenced()):
                if isinstance(report, Progress):
                    progress.write(msgspec.json.encode(report) + b"\n")
                    continue
                if isinstance(report, Failed) and report.log is None:
                    # The worker has died, or could not even open the store.
                    report = Failed(task.step, report.cause, log, setting=report.setting, path=report.path)
                    worker.end()
                    self._worker = None
                with contextlib.suppress(FileNotFoundError):
                    files.replace(folder / "ending.json", msgspec.json.encode(report))
                ended = True
        if not ended:
            worker.end()
            self._worker = None
            if not self._is_fenced():
                files.replace(folder / "ending.json", msgspec.json.encode(Cut(task.step)))


def lives(root: Path) -> bool:
    """Whether the driver lives, as far as its lock says."""
    return is_held(root / "driver")


def main() -> None:
    """Say what is here, then take steps, if this machine and the driver's agree."""
    root, shape, threads, name = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), os.environ[PILOT]
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    # Its end is ordered by a signal too: the worker and all that it has started go with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    terms = msgspec.json.decode(
        safe_files.read(root / "pool.json"), type=Terms, dec_hook=lambda _type, value: Path(value)
    )
    own = os.open(root / "pilots" / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(own, fcntl.LOCK_EX)
    hello = Hello(os.environ.get(NODE) or socket.gethostname(), handshake.own(terms.versions), time.time(), lives(root))
    files.replace(root / "pilots" / f"{name}.json", msgspec.json.encode(hello), sync=False)
    if hello.lock and not handshake.differences(terms.versions, hello.versions):
        pilot = Pilot(root, shape, threads, name, terms.setting)
        signal.signal(signal.SIGUSR1, pilot.warn)
        pilot.serve()


if __name__ == "__main__":
    main()
