"""Runs a step in this very process: what it prints goes to its log, its libraries compute on one thread."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from mlspec.engine.backend import Ending, Setting, Task
from mlspec.engine.run_step import Advance, run_step
from mlspec.machine import resources
from mlspec.store.shared import Shared
from mlspec.store.store import Store

NUMERIC = ("numpy", "sklearn", "torch")


class LazyLog(io.TextIOBase):
    """A text file that comes to be when something is written to it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Add text."""
        if text:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
        return len(text)


def run_here(task: Task, store: Store, setting: Setting, progress: Advance, shared: Shared | None = None) -> Ending:
    """Do a step in this process, whose own output streams and environment are as before afterwards."""
    log = setting.logs / f"{task.step}.log"
    out, err = sys.stdout, sys.stderr
    text = LazyLog(log)

    def report_progress(what: str, share: float, figures: dict[str, float]) -> None:
        # Who listens may print.
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            progress(what, share, figures)

    limits = contextlib.nullcontext() if task.trivial else _one_thread()
    with limits, contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        return run_step(task, store, setting, log, report_progress, shared)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in resources.threads()}
    os.environ.update(resources.threads())
    with contextlib.ExitStack() as stack:
        # Libraries that are there already have read their environment: they must be configured here.
        if any(name in sys.modules for name in NUMERIC):
            with contextlib.suppress(ImportError):
                from threadpoolctl import threadpool_limits

                stack.enter_context(threadpool_limits(limits=1))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
