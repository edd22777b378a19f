"""Which rows of a large table each of several processes has."""

from collections.abc import Sequence
from itertools import pairwise


def borders(count: int, processes: int) -> tuple[int, ...]:
    """At which rows the shares of the processes begin, and how many rows there are."""
    return tuple(count * rank // processes for rank in range(processes + 1))


def lengths(shares: Sequence[int], start: int, stop: int, step: int = 1) -> list[int]:
    """How many rows each process has of those from ``start`` to ``stop`` whose number is a multiple of ``step``."""
    ends = [-(-min(max(start, border), stop) // step) for border in shares]
    return [end - begin for begin, end in pairwise(ends)]
