"""Sums of floating point numbers without rounding, so that any parts in any order add up to the same.

A float64 is an integer times a power of two. Sums are kept as Python integers: of numbers in units of 2**-1126, of
their squares in units of 2**-2252, which every float64 (and its square) is a multiple of. Rounding happens once, at the
end.
"""

import math
from typing import Any

import numpy as np
from msgspec import Struct

Array = np.ndarray[Any, Any]

UNIT = 1126  # the exponent of the unit of a sum, negated
LEAST = 1073  # the lowest exponent that frexp gives, negated
ROWS = 1 << 13  # summed at a time: they fit a cache, and a float64 holds their sums exactly
LOW, MASK = 27, (1 << 27) - 1


class Moments(Struct, frozen=True):
    """How many finite numbers there are, their sum and that of their squares; ``others`` are NaN or infinite."""

    count: int = 0
    sum: int = 0
    squares: int = 0
    others: int = 0

    def plus(self, other: "Moments") -> "Moments":
        """Of both."""
        return Moments(
            self.count + other.count, self.sum + other.sum, self.squares + other.squares, self.others + other.others
        )

    def mean(self) -> float | None:
        """The mean, rounded once; None without numbers, NaN where one is not finite."""
        if self.others:
            return math.nan
        return self.sum / (self.count << UNIT) if self.count else None

    def total(self) -> float:
        """The sum, rounded once; NaN where a number is not finite, infinite where a float64 does not hold it."""
        if self.others:
            return math.nan
        try:
            return self.sum / (1 << UNIT)
        except OverflowError:
            return math.copysign(math.inf, self.sum)

    def deviation(self) -> float | None:
        """The standard deviation of all numbers (ddof 0), rounded as ``mean`` is."""
        if self.others:
            return math.nan
        if not self.count:
            return None
        top, bottom = self.count * self.squares - self.sum * self.sum, (self.count * self.count) << (2 * UNIT)
        if not top:
            return 0.0
        # 128 bits and more before the root, so 64 of it.
        shift = max(0, 128 + bottom.bit_length() - top.bit_length())
        shift += shift % 2
        return math.isqrt((top << shift) // bottom) / (1 << shift // 2)

    def written(self) -> list[Any]:
        """As JSON has it."""
        return [self.count, hex(self.sum), hex(self.squares), self.others]


def read(written: list[Any]) -> Moments:
    """What ``written`` gave."""
    count, total, squares, others = written
    return Moments(count, int(total, 16), int(squares, 16), others)


def moments(values: "Array") -> Moments:
    """Of float64 numbers (n,)."""
    found = Moments()
    for at in range(0, len(values), ROWS):
        found = found.plus(_some(values[at : at + ROWS]))
    return found


def _some(values: "Array") -> Moments:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Moments(others=len(values))
    fraction, exponent = np.frexp(finite)
    whole = (fraction * 2.0**53).astype(np.int64)
    lowest = int(exponent.min())
    place = exponent - lowest

    def added(parts: "Array", shift: int, unit: int) -> int:
        """Integers below 2**54, each times 2**(shift + unit * exponent), added up."""
        total = 0
        for part, own in ((parts >> LOW, LOW), (parts & MASK, 0)):
            for index, amount in enumerate(np.bincount(place, weights=part.astype(np.float64))):
                if amount:
                    total += int(amount) << (shift + own + unit * (index + lowest + LEAST))
        return total

    size = np.abs(whole)
    high, low = size >> LOW, size & MASK
    squares = added(high * high, 2 * LOW, 2) + 2 * added(high * low, LOW, 2) + added(low * low, 0, 2)
    return Moments(len(finite), added(whole, 0, 1), squares, len(values) - len(finite))
