"""A step that was handed out to a Ray cluster: where it is, what it waits for, its end."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlspec.engine.backend import Task
from mlspec_backends._ray_group import Group


@dataclass(eq=False)
class Sent:
    """``node`` is where it has begun, ``doubt`` until when its process may have died because its node did; ``over``:
    its task ends by itself. ``group``: the nodes of a training that takes several; ``reports`` is None until all of
    them are ready."""

    task: Task
    fence: str
    sent: float
    reports: Any = None
    group: Group | None = None
    node: str = ""
    process: int = 0
    began: float = 0.0
    doubt: float = 0.0
    said: bool = False
    over: bool = False

    def heard(self) -> Iterator[Any]:
        """The tasks whose reports are waited for."""
        if self.reports is not None and not self.doubt:
            yield self.reports
        if self.group is not None:
            yield from self.group.relays.keys() - self.group.ended

    def nodes(self) -> list[str]:
        """The nodes that it has begun on."""
        found = [self.node, *(self.group.relays.values() if self.group is not None else ())]
        return [node for node in found if node]

    def cancel(self, ray: Any) -> None:
        """End it, where Ray reaches it. Ray ends a process, which may have the next step if this one is over."""
        own = [] if self.over or self.reports is None else [self.reports]
        for task in [*own, *(self.group.relays if self.group is not None else ())]:
            with contextlib.suppress(ray.exceptions.RayError, ValueError, RuntimeError):
                ray.cancel(task, force=True)


def has_ended(ray: Any, reports: Any) -> bool:
    """Whether a task that was cancelled has ended; one more of its reports is read."""
    try:
        ray.get(next(reports))
    except (StopIteration, ray.exceptions.RayError):
        return True
    return False
