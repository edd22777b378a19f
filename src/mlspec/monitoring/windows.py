"""Rows by time cut into windows: the newest ones first, so many and no older."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

MOST = 30  # windows that are shown over time
SECOND = 1_000_000  # microseconds


class Cut(NamedTuple):
    """Rows ``start`` to ``stop`` (without it) of those that are the newest first; ``end``: where the window ends."""

    start: int
    stop: int
    end: datetime


def cut(times: "Array", now: datetime, rows: int, seconds: float, most: int = MOST) -> Iterator[Cut]:
    """Windows of times (n,) in microseconds, the newest first: one that ends now, which may be empty, then those before
    it that have rows, at most ``most`` in all."""
    end, span, start = stamp(now), int(seconds * SECOND), 0
    for number in range(most):
        if number and start >= len(times):
            return
        if number and times[start] <= end - span:
            end = int(times[start])
        inside = len(times) - int(np.searchsorted(times[::-1], end - span, side="right"))
        stop = max(start, min(start + rows, inside))
        yield Cut(start, stop, moment(end))
        start, end = stop, end - span if stop == inside else int(times[stop])


def stamp(time: datetime) -> int:
    """Microseconds since 1970."""
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def moment(stamp: int) -> datetime:
    """The time of so many microseconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stamp)
