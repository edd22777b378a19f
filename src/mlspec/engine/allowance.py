"""Shares the wall time of ``model.time`` among the trainings of a run that are still to be done.

A candidate's share is decided when its first training begins: of what is left by then, by the weights of the candidates
that have not begun. What quick candidates leave is thereby used by those after them.
"""

import time
from collections.abc import Callable, Container

from msgspec import Struct

from mlspec.graph.graph import Graph
from mlspec.graph.passes.timing import candidate_of, for_training, shares

AFTER = 0.95  # of the time, searches included: by then the selected model has been fitted again
FLOOR = 0.2  # seconds: a training that would get less is left out


class _Candidate(Struct):
    weight: float
    waiting: set[str]
    each: float | None = None


class Allowance:
    """The seconds that each training may take, where ``slots`` of them run at the same time; those that are ``done``
    take none. Used by one thread."""

    def __init__(
        self, graph: Graph, slots: int, *, done: Container[str] = (), now: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = for_training(graph.project)
        self._slots = slots
        self._now = now
        searches = sum(one.time or 0.0 for one in graph.project.tuning.values())
        self._whole = AFTER * (graph.project.model.time or 0.0) - searches
        self._until: float | None = None
        self._running: dict[str, float] = {}
        self._first = ""
        self._candidates: dict[str, _Candidate] = {}
        for step_id, (name, seconds) in shares(graph).items():
            own = self._candidates.setdefault(name, _Candidate(0.0, set()))
            own.weight += seconds
            if step_id not in done:
                own.waiting.add(step_id)

    def begin(self, step_id: str) -> float:
        """The seconds for a training that begins now; 0 where it is to be left out."""
        now, name = self._now(), candidate_of(step_id)
        if self._until is None:
            self._until, self._first = now + self._total, name
        own = self._candidates[name]
        left = max(0.0, self._until - now)
        free = left * self._slots - sum(max(0.0, until - now) for until in self._running.values())
        if own.each is None:
            decided = [one for one in self._candidates.values() if one.each is not None]
            open_to = sum(one.weight for one in self._candidates.values() if one.each is None)
            reserved = sum((one.each or 0.0) * len(one.waiting) for one in decided)
            own.each = max(0.0, free - reserved) * own.weight / open_to / len(own.waiting)
        seconds = min(own.each, left, max(0.0, free) / len(own.waiting))
        if name == self._first:
            # Something has to be trained.
            seconds = max(seconds, FLOOR)
        elif seconds < FLOOR:
            # One that lacks a fold can't be scored: no other is worth its time.
            own.each = seconds = 0.0
        own.waiting.discard(step_id)
        if seconds:
            self._running[step_id] = now + seconds
        return seconds

    def rest(self) -> float | None:
        """The seconds for fitting the selected model again; None where no training has begun in this run."""
        return None if self._until is None else max(0.0, self._until - self._total + self._whole - self._now())

    def end(self, step_id: str) -> None:
        """A training has ended, or its result was found."""
        self._running.pop(step_id, None)
        self._candidates[candidate_of(step_id)].waiting.discard(step_id)
