"""Counts what a run spends, and says when the budget is gone."""

import time
from functools import cached_property

from mlspec.constraints.budget import Budget
from mlspec.graph import budget
from mlspec.graph.graph import Graph


class Meter:
    """Time of the steps that lead to the model: those that are done, whenever they were, and those that run."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._budget = graph.project.constraints.one(Budget)
        self._taken: dict[str, float] = {}
        self._since: dict[str, float] = {}

    def started(self, step: str) -> None:
        """A step begins."""
        self._since[step] = time.monotonic()

    def ended(self, step: str, seconds: float | None) -> None:
        """A step has ended, or its result was stored: that took ``seconds`` when it was made."""
        since = self._since.pop(step, None)
        self._taken[step] = seconds if seconds is not None else 0.0 if since is None else time.monotonic() - since

    def gone(self) -> tuple[str, str] | None:
        """The bound that is exceeded by now, and by what; None while there is something left."""
        if self._budget is None or not self._bounded() or self._counted <= self._taken.keys():
            # All is done: it is for the gates to say whether that was within the budget.
            return None
        now = time.monotonic()
        running = {step: now - since for step, since in self._since.items()}
        spent = {step: took for step, took in {**self._taken, **running}.items() if step in self._counted}
        steps = [self._graph.steps[step] for step in spent]
        return budget.exceeded(budget.cost(steps, spent, self._budget), self._budget)

    @cached_property
    def _counted(self) -> frozenset[str]:
        return budget.counted(self._graph)

    def _bounded(self) -> bool:
        stated = self._budget
        return stated is not None and (stated.wall_time, stated.gpu_hours, stated.money) != (None, None, None)
