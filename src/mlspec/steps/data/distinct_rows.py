"""How many different values, or combinations of values, rows have: exactly, in memory that is bounded."""

from collections.abc import Sequence

import polars as pl

BYTES = 100  # for each row that is looked at together: its hash, its values and where they are
BOUND = 256 * 1024 * 1024


def passes(rows: int, memory: int | None = None) -> int:
    """In how many passes so many rows are looked at; ``memory`` in bytes, None: not said."""
    bound = BOUND if memory is None else min(BOUND, max(memory // 4, BYTES))
    return max(1, -(-rows * BYTES // bound))


def count(rows: "pl.LazyFrame", names: Sequence[str], passes_: int) -> tuple[int, int]:
    """Of rows without a missing value in these columns: how many there are, and how many are different.

    Each pass looks at the rows whose hash falls in its share: equal ones are in the same.
    """
    complete = rows.select(names).filter(pl.all_horizontal([pl.col(name).is_not_null() for name in names]))
    total = different = 0
    for number in range(passes_):
        mine = pl.struct(names).hash(seed=0) % passes_ == number
        found = complete.filter(mine).select(pl.len().alias("rows"), pl.struct(names).n_unique().alias("different"))
        more, own = found.collect(engine="streaming").row(0)
        total, different = total + more, different + own
    return total, different
