"""Steps that a cluster is not worth: they are done on this machine, a few at a time."""

from collections import deque

from msgspec.structs import replace

from mlspec.engine.backend import Ending, Listen, Setting, Task
from mlspec.machine import resources
from mlspec.store.store import Store
from mlspec_backends.local import Local

SMALL = 2.0  # seconds: a step that took less is done here
HERE = 4  # small steps at the same time


def is_small(task: Task) -> bool:
    """Whether a step is done here: it is trivial, it took little last time, or it is about this machine."""
    quick = task.expected is not None and task.expected < SMALL and task.threads * task.processes == 1
    return task.trivial or ((task.here or quick) and not task.gpus)


class Small:
    """The small steps of a run."""

    def __init__(self, setting: Setting, store: Store) -> None:
        self._local = Local(replace(setting, until=None, steps=min(HERE, resources.cores())), store)
        self._running: dict[str, Task] = {}
        self._later: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        """Take a step down."""
        self._later.append(task)

    @property
    def names(self) -> list[str]:
        """The steps that are not done yet, those that have begun first."""
        return [*self._running, *(task.step for task in self._later)]

    def poll(self, listen: Listen, seconds: float) -> list[Ending]:
        """Begin what there is room for; what has ended within so many seconds."""
        while self._later and (self._later[0].trivial or len(self._running) < HERE):
            task = self._later.popleft()
            self._running[task.step] = task
            self._local.submit(task)
        endings = self._local.poll(listen, seconds)
        for ending in endings:
            self._running.pop(ending.step, None)
        return endings

    def close(self) -> None:
        """End them."""
        self._local.close()
