"""Steps that have parts of themselves done: they run on this machine, their parts wherever the cluster has room."""

from collections import deque
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from mlspec.engine.backend import Answer, Ask, Ending, Finished, Listen, Progress, Setting, Task
from mlspec.store.store import Store
from mlspec_backends.local import Local


class Spread:
    """What steps have asked for, as the engine's thread sees it.

    At most ``most`` parts run at the same time. ``submit`` begins one, ``stop`` ends the one of that name. All that an
    engine receives of steps goes through ``listening`` and ``settle`` first.
    """

    def __init__(
        self, setting: Setting, store: Store, most: int, submit: Callable[[Task], None], stop: Callable[[str], None]
    ) -> None:
        self._store, self._most, self._submit, self._stop = store, most, submit, stop
        self._local = Local(replace(setting, until=None, steps=1), store, self.take)
        self._running: dict[str, None] = {}
        self._asked: dict[str, Ask] = {}
        self._ended: dict[str, dict[str, Ending]] = {}
        self._whole: dict[str, str] = {}  # of each part that has not ended
        self._waiting: deque[Task] = deque()
        self._last: dict[str, Progress] = {}

    def begin(self, task: Task) -> bool:
        """Begin a step that has parts; False where it has none."""
        if task.parts > 1:
            self._running[task.step] = None
            self._local.submit(replace(task, asks=True))
        return task.parts > 1

    def poll(self, listen: Listen) -> list[Ending]:
        """What has ended here; what steps ask for is begun."""
        return self._local.poll(listen, 0.0) if self._running else []

    @property
    def names(self) -> list[str]:
        """The steps that run here."""
        return list(self._running)

    def close(self) -> None:
        """End what runs here."""
        self._local.close()

    def take(self, ask: Ask) -> None:
        """A step asks for parts."""
        self._asked[ask.step] = ask
        known = {part.step: self._store.lookup(part.fingerprint) for part in ask.parts}
        self._ended[ask.step] = {name: Finished(name, action, made=False) for name, action in known.items() if action}
        for part in ask.parts:
            if part.step not in self._ended[ask.step]:
                self._whole[part.step] = ask.step
                self._waiting.append(part)
        self._go_on()

    def whole(self, step: str) -> str:
        """The step that a part belongs to; a step that is no part is its own."""
        return self._whole.get(step, step)

    def listening(self, listen: Listen) -> Listen:
        """What hears the parts too, as the progress of the whole."""

        def hear(report: Progress) -> None:
            whole = self.whole(report.step)
            if whole == report.step:
                self._last[whole] = report
                listen(report)
                return
            last = self._last.get(whole, replace(report, step=whole, share=0.0))
            listen(replace(last, what=f"{report.step.removeprefix(f'{whole}/')}: {report.what}"))

        return hear

    def settle(self, endings: Iterable[Ending]) -> list[Ending]:
        """The endings without those of parts. What a step has asked for that has ended itself is wanted no more."""
        left = []
        for ending in endings:
            whole = self._whole.pop(ending.step, None)
            if whole is not None:
                self._ended[whole][ending.step] = ending
            else:
                left.append(ending)
                self._leave(ending.step)
        self._go_on()
        return left

    def _go_on(self) -> None:
        for step, ask in list(self._asked.items()):
            ended = self._ended[step]
            if len(ended) == len(ask.parts):
                del self._asked[step], self._ended[step]
                self._local.answer(step, Answer(tuple(ended[part.step] for part in ask.parts)))
        while self._waiting and len(self._whole) - len(self._waiting) < self._most:
            self._submit(self._waiting.popleft())

    def _leave(self, step: str) -> None:
        self._last.pop(step, None)
        self._running.pop(step, None)
        if self._asked.pop(step, None) is None:
            return
        del self._ended[step]
        waiting = {part.step for part in self._waiting}
        self._waiting = deque(part for part in self._waiting if self._whole[part.step] != step)
        for part in [part for part, whole in self._whole.items() if whole == step]:
            del self._whole[part]
            if part not in waiting:
                self._stop(part)
