"""Every step in this process, one after the other: for debuggers, notebooks, and where no other may be started."""

from collections import deque

from mlspec.engine.backend import Capacity, Ending, Listen, Progress, Setting, Task
from mlspec.engine.in_process import run_here
from mlspec.machine import accelerators
from mlspec.store.shared import Shared
from mlspec.store.store import Store


class Inline:
    """Does a step when it is waited for."""

    def __init__(self, setting: Setting, store: Store) -> None:
        self._setting, self._store = setting, store
        self._shared = None if setting.shared is None else Shared(setting.shared, setting.encrypt)
        self._tasks: deque[Task] = deque()
        self.capacity = Capacity(steps=1, memory=setting.memory, gpus=accelerators.gpus())

    def submit(self, task: Task) -> None:
        """Take a step down."""
        self._tasks.append(task)

    def wait(self, listen: Listen) -> list[Ending]:
        """Do the step that has waited longest."""
        task = self._tasks.popleft()

        def progress(what: str, share: float, figures: dict[str, float]) -> None:
            listen(Progress(task.step, what, share, figures))

        return [run_here(task, self._store, self._setting, progress, self._shared)]

    def close(self) -> None:
        """There is nothing to end."""


def start(setting: Setting, store: Store) -> Inline:
    """The backend."""
    return Inline(setting, store)
