"""Worker processes on this machine, as many as there are cores, each used for one step after the other."""

import selectors
import time
from collections import deque
from collections.abc import Callable

from mlspec.engine import limits, threads
from mlspec.engine.backend import (
    Answer,
    Ask,
    Capacity,
    Ending,
    Failed,
    Listen,
    Progress,
    RunTimeoutError,
    Setting,
    Task,
)
from mlspec.engine.in_process import run_here
from mlspec.engine.worker_process import Worker
from mlspec.machine import accelerators, resources
from mlspec.store.store import Store


class Local:
    """Steps in worker processes, trivial ones in this process. ``ask`` receives what they want done elsewhere."""

    def __init__(self, setting: Setting, store: Store, ask: Callable[[Ask], None] = lambda _ask: None) -> None:
        self._setting, self._store, self._ask = setting, store, ask
        self._idle: list[Worker] = []
        self._busy = selectors.DefaultSelector()
        self._trivial: deque[Task] = deque()
        self.capacity = Capacity(
            steps=setting.steps or resources.cores(),
            memory=setting.memory if setting.memory is not None else resources.memory(),
            gpus=accelerators.gpus(),
        )

    def submit(self, task: Task) -> None:
        """Give a step to a worker: the one of its kind that was used last, or a new one."""
        if task.trivial:
            self._trivial.append(task)
            return
        worker, count = None, threads.wanted(task, self._store, self._setting)
        while worker is None and (fitting := [one for one in self._idle if one.threads == count]):
            worker = fitting[-1]
            self._idle.remove(worker)
            if not worker.alive():
                worker.end()
                worker = None
        worker = worker or Worker(self._setting, count)
        worker.begin(task)
        self._busy.register(worker.output, selectors.EVENT_READ, worker)

    def wait(self, listen: Listen) -> list[Ending]:
        """Wait for a report; trivial steps come first."""
        endings: list[Ending] = []
        while not endings:
            endings = self.poll(listen, None)
        return endings

    def poll(self, listen: Listen, seconds: float | None) -> list[Ending]:
        """What has ended within so many seconds, None for as long as it takes; perhaps nothing."""
        if self._trivial:
            return [self._here(self._trivial.popleft(), listen)]
        endings: list[Ending] = []
        ends = [end for end in (seconds, self._pause()) if end is not None]
        for key, _ in self._busy.select(min(ends, default=None)):
            endings += self._hear(key.data, listen)
        return endings or self._over()

    def answer(self, step: str, answer: Answer) -> None:
        """Send a step what it has asked for."""
        for worker in self._running():
            if worker.task is not None and worker.task.step == step:
                worker.answer(answer)

    def close(self) -> None:
        """Kill the workers: whatever they were doing is unfinished, and can be gone on with."""
        workers = [*self._idle, *(key.data for key in self._busy.get_map().values())]
        self._busy.close()
        for worker in workers:
            worker.end()
        if workers:
            self._store.sweep()

    def _running(self) -> list[Worker]:
        return [key.data for key in self._busy.get_map().values()]

    def _pause(self) -> float | None:
        """How long nothing can have exceeded its limits; None for as long as it takes."""
        setting = self._setting
        ends = [limits.left(setting.step_timeout, worker.began) for worker in self._running()]
        ends += [None if setting.until is None else limits.left(0.0, setting.until)]
        ends += [None if setting.memory is None else limits.LOOKS]
        return min((end for end in ends if end is not None), default=None)

    def _over(self) -> list[Ending]:
        """End what takes more than it may. Raises RunTimeoutError when the whole run does."""
        setting, now, running = self._setting, time.monotonic(), self._running()
        if setting.until is not None and now >= setting.until:
            longest = min(running, key=lambda worker: worker.began)
            assert longest.task is not None
            raise RunTimeoutError(longest.task.step, limits.run_over())
        if setting.step_timeout is not None:
            late = [worker for worker in running if now - worker.began >= setting.step_timeout]
            if late:
                cause = limits.step_over(setting.step_timeout)
                return [self._stop(worker, cause, "step_timeout") for worker in late]
        if setting.memory is not None:
            held = {worker: worker.held() for worker in running}
            total = sum(held.values())
            if total > setting.memory:
                worst = max(held, key=lambda worker: held[worker])
                return [self._stop(worst, limits.too_much(held[worst], total, setting.memory), "memory")]
        return []

    def _stop(self, worker: Worker, cause: str, limit: str) -> Failed:
        assert worker.task is not None
        self._busy.unregister(worker.output)
        worker.end()
        self._store.sweep()
        return Failed(worker.task.step, cause, str(self._setting.logs / f"{worker.task.step}.log"), limit=limit)

    def _here(self, task: Task, listen: Listen) -> Ending:
        def progress(what: str, share: float, figures: dict[str, float]) -> None:
            listen(Progress(task.step, what, share, figures))

        return run_here(task, self._store, self._setting, progress)

    def _hear(self, worker: Worker, listen: Listen) -> list[Ending]:
        task = worker.task
        assert task is not None
        reports = worker.read()
        if reports is None:
            self._busy.unregister(worker.output)
            cause = worker.death()
            worker.end()
            self._store.sweep()
            return [Failed(task.step, cause, str(self._setting.logs / f"{task.step}.log"))]
        for report in reports:
            if isinstance(report, Progress):
                listen(report)
                continue
            if isinstance(report, Ask):
                self._ask(report)
                continue
            self._busy.unregister(worker.output)
            if isinstance(report, Failed) and not report.step:
                # It could not even open the store, or can't be understood.
                worker.end()
                self._store.sweep()
                return [Failed(task.step, report.cause)]
            worker.task = None
            self._idle.append(worker)
            return [report]
        return []


def start(setting: Setting, store: Store) -> Local:
    """The backend; processes are started when there are steps for them."""
    return Local(setting, store)
