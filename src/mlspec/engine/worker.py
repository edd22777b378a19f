"""A worker process: reads tasks as JSON lines, does them one after the other, writes reports as JSON lines.

It lives as long as the process that started it: the kernel ends it when that one dies, and so does the end of its
input.
"""

import contextlib
import ctypes
import gc
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from mlspec import paths
from mlspec.engine.backend import Answer, Ask, Failed, Progress, Report, Setting, Task
from mlspec.engine.run_step import Advance, run_step
from mlspec.machine import child_process
from mlspec.store.errors import describe
from mlspec.store.shared import Shared
from mlspec.store.store import Store

PROGRESS_EVERY = 0.1


class Welcome(msgspec.Struct, frozen=True):
    """The first line that a worker reads: the process that started it, and where to work."""

    parent: int
    setting: Setting


def main() -> None:
    """Serve until the input ends."""
    tasks, reports = child_process.pipes()
    line = tasks.readline()
    if not line.endswith(b"\n"):
        # Who started this was interrupted before it had said all.
        return
    welcome = msgspec.json.decode(line, type=Welcome, dec_hook=lambda _type, value: Path(value))
    child_process.die_with(welcome.parent)
    pending: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, pending), daemon=True).start()
    setting = welcome.setting
    decoder, answers = msgspec.json.Decoder(Task), msgspec.json.Decoder(Answer)

    def ask(parts: Ask) -> Answer:
        _send(parts, reports)
        return answers.decode(pending.get())

    try:
        with Store(paths.store(setting.home)).writing() as store:
            shared = None if setting.shared is None else Shared(setting.shared, setting.encrypt)
            while True:
                task = decoder.decode(pending.get())
                log = setting.logs / f"{task.step}.log"
                with _captured(log):
                    ending = run_step(task, store, setting, log, _progress(task.step, reports), shared, ask)
                _send(ending, reports)
                _give_back()
    except OSError as error:
        _send(Failed("", describe(error)), reports)


def _give_back() -> None:
    """What a step has freed is the kernel's again, so that the next one is not counted for it."""
    gc.collect()
    # Modules and what they keep would be looked at again after each step: 0.17 s with the learning libraries loaded.
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _listen(tasks: IO[bytes], pending: "queue.SimpleQueue[bytes]") -> None:
    for line in tasks:
        if line.endswith(b"\n"):
            pending.put(line)
    # Nobody is there any more. What the work has started goes too: it is in our process group.
    os.killpg(os.getpgrp(), signal.SIGKILL)


@contextlib.contextmanager
def _captured(log: Path) -> Iterator[None]:
    """What is written to the output streams goes to the log, also from code that is not Python."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        os.close(nothing)
        if os.fstat(handle).st_size == 0:
            log.unlink(missing_ok=True)
        os.close(handle)


def _progress(step: str, reports: IO[bytes]) -> Advance:
    last = 0.0

    def report_progress(what: str, share: float, figures: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if share >= 1.0 or now - last >= PROGRESS_EVERY:
            last = now
            _send(Progress(step, what, float(share), {name: float(value) for name, value in figures.items()}), reports)

    return report_progress


def _send(report: Report, reports: IO[bytes]) -> None:
    reports.write(msgspec.json.encode(report) + b"\n")
    reports.flush()


if __name__ == "__main__":
    main()
