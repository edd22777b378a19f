"""A process on a machine that shares no folder with the driver: it reads steps and writes reports as lines of JSON. It
does one step after the other in a worker process that stays warm.

It works in a folder of its own machine. Inputs are brought from the shared store by their digests, results put there.
It ends when its input does. Where that does not end although the driver has died, no line comes any more, not even the
empty ones that a living driver sends. What it has in hand is then finished first, or stopped if ``at_once`` says so.
"""

import contextlib
import fcntl
import os
import queue
import shutil
import signal
import socket
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec.structs import replace

from mlspec import paths
from mlspec.engine import handshake, limits
from mlspec.engine.backend import Failed, Finished, Progress, Report, Setting, Task
from mlspec.engine.pool import Terms
from mlspec.engine.remote import carry
from mlspec.engine.run_step import NODE
from mlspec.engine.worker_process import Worker
from mlspec.machine import child_process, safe_files
from mlspec.store.shared import Shared
from mlspec.store.store import Store

BEAT = 20.0  # seconds between two empty lines of a driver
SILENT = 120.0  # seconds without a line after which it counts as dead
AT_ONCE = "at-once"
FOLDER, LOCK = "mlspec-node-", ".lock"  # of a process
NOTHING = "0" * 64  # a digest that nothing has
LARGEST_LOG = 1 << 20  # bytes of what a step prints that are passed on


class Arrived(msgspec.Struct, frozen=True, tag_field="report", tag="arrived"):
    """The first report: the job, its node, the versions there, and why the shared store can't be used from there."""

    job: str
    node: str
    versions: dict[str, str]
    trouble: str


class Printed(msgspec.Struct, frozen=True, tag_field="report", tag="printed"):
    """What a step has printed; it comes before the ending."""

    step: str
    text: str


Said = Report | Arrived | Printed


def command(threads: int, *, at_once: bool = False) -> list[str]:
    """What starts such a process. ``at_once``: what it does is wanted no more when its input ends."""
    return child_process.command("mlspec.engine.apart", str(threads), *([AT_ONCE] if at_once else []))


def main() -> None:
    """Serve until the input ends."""
    threads, at_once = int(sys.argv[1]), AT_ONCE in sys.argv[2:]
    # The folder goes with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    lines, reports = child_process.pipes()
    first = lines.readline()
    if not first.endswith(b"\n"):
        return
    terms = msgspec.json.decode(first, type=Terms, dec_hook=lambda _type, value: Path(value))
    node = os.environ.get(NODE) or os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    pending: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    ended = threading.Event()
    threading.Thread(target=_listen, args=(lines, pending, ended), daemon=True).start()
    root, held = _own_folder()
    try:
        home = paths.home(root)
        setting = replace(terms.setting, root=root, home=home, logs=home / "logs")
        paths.prepare(home)
        with Store(paths.store(home)).writing() as store:
            job, versions = os.environ.get("SLURM_JOB_ID", ""), handshake.own(terms.versions)
            _send(Arrived(job, node, versions, _trouble(setting, store)), reports)
            over = ended.is_set if at_once else lambda: False
            _serve(Place(setting, store, threads, over), pending, reports)
    finally:
        shutil.rmtree(root, ignore_errors=True)
        os.close(held)


def _own_folder() -> tuple[Path, int]:
    """A temporary folder, and its lock, which is held as long as this process lives. What killed processes of the same
    user have left is removed: Ray kills its processes with their children."""
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            _remove_left(left)
    root = Path(tempfile.mkdtemp(prefix=FOLDER))
    held = os.open(root / "new", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    # Whoever sees the lock finds it held.
    os.rename(root / "new", root / LOCK)
    return root, held


def _remove_left(folder: Path) -> None:
    """Raises OSError for a folder that is in use, or somebody else's."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        return
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


class Place:
    """Where steps are done: a folder of this machine, its store, and the one that others use too. ``over`` says whether
    what is done is wanted no more."""

    def __init__(self, setting: Setting, store: Store, threads: int, over: Callable[[], bool]) -> None:
        assert setting.shared is not None
        self._setting, self._store, self._threads, self._over = setting, store, threads, over
        self._place = setting.shared
        self._worker: Worker | None = None

    def do(self, task: Task) -> Iterator[Report | Printed]:
        """Bring what a step reads, do it; its result is in the shared store where it ends well."""
        shared = Shared(self._place, self._setting.encrypt)
        for name, digest in task.inputs.items():
            if not shared.bring(digest, self._store):
                why = shared.trouble or f"the shared store {self._place} has it not"
                yield Failed(task.step, f"its input '{name}' could not be brought: {why}")
                return
        if self._worker is not None and not self._worker.alive():
            self.close()
        self._worker = self._worker or Worker(self._setting, self._threads)
        for report in self._carried(self._worker, task):
            if isinstance(report, Progress):
                yield report
                continue
            log = self._setting.logs / f"{task.step}.log"
            if text := _end_of(log):
                yield Printed(task.step, text)
            if isinstance(report, Finished) and report.note:
                # It would not try again.
                self.close()
                yield Failed(task.step, f"its result could not be handed over: {report.note}")
                return
            if isinstance(report, Failed) and report.log is None:
                self.close()
                report = replace(report, step=task.step)
            yield report

    def _carried(self, worker: Worker, task: Task) -> Iterator[Report]:
        allowed, held, ended = self._setting.memory, 0, False

        def is_over() -> bool:
            nonlocal held
            held = worker.held() if allowed is not None else 0
            return self._over() or (allowed is not None and held > allowed)

        for report in carry(worker, task, is_over):
            ended = not isinstance(report, Progress)
            yield report
        if not ended:
            self.close()
            if allowed is not None and held > allowed:
                yield Failed(task.step, limits.too_much(held, held, allowed), limit="memory")

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None


def _serve(place: Place, pending: "queue.SimpleQueue[bytes]", reports: IO[bytes]) -> None:
    try:
        while True:
            try:
                line = pending.get(timeout=SILENT)
            except queue.Empty:
                return
            if not line.endswith(b"\n"):
                return
            if line != b"\n":
                for report in place.do(msgspec.json.decode(line, type=Task)):
                    # Where nobody reads any more, the result is in the shared store all the same.
                    with contextlib.suppress(OSError):
                        _send(report, reports)
    finally:
        place.close()


def _trouble(setting: Setting, store: Store) -> str:
    """Why the shared store can't be reached, in words; empty where it can."""
    assert setting.shared is not None
    shared = Shared(setting.shared, setting.encrypt)
    shared.bring(NOTHING, store)
    return shared.trouble


def _listen(lines: IO[bytes], pending: "queue.SimpleQueue[bytes]", ended: threading.Event) -> None:
    while True:
        line = lines.readline()
        if not line.endswith(b"\n"):
            ended.set()
        pending.put(line)
        if ended.is_set():
            return


def _end_of(log: Path) -> str:
    """The end of a log, which is then empty; what a warm worker prints for its next step is that step's."""
    try:
        with safe_files.opened(log) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LARGEST_LOG))
            text = file.read(LARGEST_LOG).decode("utf-8", "replace")
        log.unlink()
    except OSError:
        return ""
    return text


def _send(report: Said, reports: IO[bytes]) -> None:
    reports.write(msgspec.json.encode(report) + b"\n")
    reports.flush()


if __name__ == "__main__":
    main()
