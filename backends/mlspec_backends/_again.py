"""Whether a step is handed out again whose node, job or process has ended before it: it may continue from what it had
saved."""

from dataclasses import dataclass, field
from pathlib import Path

from mlspec import paths
from mlspec.engine.backend import Task
from mlspec.store.store import Store

LOST = 3  # how often a step is handed out again because its node was lost, without having got any further
TRIES = 20  # how often at all
DEATHS = 2  # how often because a process of the cluster's own, which drove it, has died on a living node


@dataclass
class Tries:
    """How often a step was handed out; ``lost`` nodes since it last got further; ``deaths`` of the processes that drove
    it; ``saved``: its checkpoints at the last hand-out, as the time and size of each file."""

    saved: dict[str, tuple[int, int]]
    count: int = 1
    lost: int = 0
    deaths: int = 0


@dataclass
class Again:
    """The steps of a run; ``home`` is where they keep what they continue from."""

    home: Path
    store: Store
    tries: dict[str, Tries] = field(default_factory=dict)

    def begin(self, task: Task) -> None:
        """A step is handed out for the first time by this run."""
        self.tries[task.fingerprint] = Tries(self._saved(task))

    def after_loss(self, task: Task) -> bool:
        """Whether a step whose node was lost is handed out again: a few times, and as long as it gets further."""
        tries, further = self._next(task)
        tries.lost = 1 if further else tries.lost + 1
        return tries.lost <= LOST and tries.count <= TRIES

    def after_limit(self, task: Task) -> bool:
        """Whether a step whose job ran out of time is handed out again: as long as it gets further."""
        tries, further = self._next(task)
        return further and tries.count <= TRIES

    def after_death(self, task: Task) -> bool:
        """Whether a step is handed out again although its node lives and nothing is known of a fault of its own."""
        tries, _further = self._next(task)
        tries.deaths += 1
        return tries.deaths <= DEATHS and tries.count <= TRIES

    def lost(self, task: Task) -> int:
        """How often a step's node was lost since it last got further."""
        return self.tries[task.fingerprint].lost

    def _next(self, task: Task) -> tuple[Tries, bool]:
        tries = self.tries.setdefault(task.fingerprint, Tries({}))
        saved = self._saved(task)
        further = any(tries.saved.get(name) != mark for name, mark in saved.items())
        tries.saved, tries.count = saved, tries.count + 1
        return tries, further

    def _saved(self, task: Task) -> dict[str, tuple[int, int]]:
        folder = paths.scratch(self.home) / self.store.private(task.fingerprint)
        found = {}
        for path in folder.rglob("*"):
            try:
                status = path.stat(follow_symlinks=False)
            except OSError:
                continue
            if path.is_file():
                found[str(path)] = (status.st_mtime_ns, status.st_size)
        return found
