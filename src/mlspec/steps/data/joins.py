"""Joins some rows at a time: what is in memory grows neither with the rows nor with the table that is joined to them.

A joined table that fits into its share of the memory is read once. Of a larger one a part after the other is read for
each block of rows (a block nested loop). What a row gets is the same either way.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import numpy as np
import polars as pl

from mlspec.diagnostics import StepError
from mlspec.steps.data import parquet

Frame = TypeVar("Frame", pl.LazyFrame, pl.DataFrame)

ROW, MOMENT, KNOWN, MATCHED = "__row__", "__moment__", "__known__", "__matched__"
SHARE = 8  # of the memory, an eighth is for what is joined; hashing and sorting it take as much again
UNSAID = 512 * 1024 * 1024  # bytes for it where no bound is said
HASH_BYTES = 24  # for each key, while it is looked for twice: its hash, sorted in a copy
AT_ONCE = 10_000


@dataclass(frozen=True)
class Side:
    """A table that is joined: ``rows`` of its keys, moment and taken columns, under the names that they get.

    ``held`` are all of them, where they fit; else ``part`` rows are read at a time. ``size`` are the bytes of a part.
    ``keys`` say as which types the keys of both sides are compared.
    """

    join: Mapping[str, Any]
    keys: "Mapping[str, pl.DataType]"
    rows: "pl.LazyFrame"
    held: "pl.DataFrame | None"
    part: int
    size: int

    def parts(self) -> "Iterator[pl.DataFrame]":
        """All rows, those that fit at a time; by time in their order."""
        if self.held is not None:
            yield self.held
            return
        for _at, piece in parquet.pieces(self.rows, self.part):
            yield _ordered(piece.collect(), self.join)


def share(memory: int | None, sides: int) -> int:
    """The bytes of each joined table that may be in memory."""
    return max(1, (UNSAID if memory is None else memory // SHARE) // max(1, sides))


def opened(table: "pl.LazyFrame", join: Mapping[str, Any], left: "Mapping[str, pl.DataType]", bound: int) -> Side:
    """A table that is joined to rows of these types; as much of it as fits is read.

    Raises StepError where it has more than one row for a key.
    """
    right, as_of = table.collect_schema(), join["as_of"]
    keys = {key: _common(left[key], right[key]) for key in join["keys"]}
    compared = [pl.col(key).cast(kind) for key, kind in keys.items()]
    named = list(keys)
    if as_of is not None:
        compared.append(pl.col(as_of["source"]).cast(pl.Datetime("us")).alias(KNOWN))
        named.append(as_of["source"])
    if _twice(table.select(compared), bound):
        names = ", ".join(named)
        raise StepError(
            f"source '{join['source']}' has several rows for the same {names}: a row can be joined to only one"
        )
    rows = table.select([*compared, *(pl.col(theirs).alias(name) for theirs, name in join["columns"].items())])
    found: list[pl.DataFrame] = []
    read = size = 0
    for _at, piece in parquet.pieces(rows, parquet.batch(rows.collect_schema())):
        found.append(piece.collect())
        read, size = read + found[-1].height, size + int(found[-1].estimated_size())
        if read and size > bound:
            return Side(join=join, keys=keys, rows=rows, held=None, part=read, size=size)
    held = _ordered(pl.concat(found), join)
    return Side(join=join, keys=keys, rows=rows, held=held, part=read, size=size)


def blocks(rows: "pl.LazyFrame", size: int, sides: "Sequence[Side]") -> "Iterator[pl.DataFrame]":
    """Stored rows, at least ``size`` at a time, and as many bytes as are in memory of the greatest side.

    Each block costs a reading, or a hashing, of the sides.
    """
    least = max((side.size for side in sides), default=0)
    found: list[pl.DataFrame] = []
    for _at, piece in parquet.pieces(rows, size):
        found.append(piece.collect())
        if sum(one.estimated_size() for one in found) >= least:
            yield pl.concat(found)
            found = []
    if found:
        yield pl.concat(found)


def joined(rows: "pl.DataFrame", side: Side) -> "pl.DataFrame":
    """The rows, in their order, with the columns that the side has for them."""
    as_of, names = side.join["as_of"], list(side.join["columns"].values())
    every = pl.select(pl.int_range(rows.height, dtype=pl.UInt32).alias(ROW))
    moment = [] if as_of is None else [pl.col(as_of["row"]).cast(pl.Datetime("us")).alias(MOMENT)]
    asking = rows.select([*(pl.col(key).cast(kind) for key, kind in side.keys.items()), *moment]).hstack(every)
    if as_of is not None:
        # A row without a moment has seen nothing.
        asking = asking.filter(pl.col(MOMENT).is_not_null()).sort(MOMENT)
    found = pl.DataFrame()
    for part in side.parts():
        more = _by_keys(asking, part, side) if as_of is None else _by_time(asking, part, side)
        found = pl.concat([found, more]) if found.height else more
        if as_of is not None and side.held is None:
            found = found.sort(KNOWN).unique(ROW, keep="last", maintain_order=True)
    found = every.join(
        found.select(ROW, *names, pl.lit(True).alias(MATCHED)), on=ROW, how="left", maintain_order="left"
    )
    # Set beside each other, the rows' own columns are not copied.
    rows = rows.hstack(found.select(names))
    return rows.filter(found[MATCHED].is_not_null()) if side.join["how"] == "inner" else rows


def _by_keys(asking: "pl.DataFrame", part: "pl.DataFrame", side: Side) -> "pl.DataFrame":
    """Rows with the one row of a part that has the same keys."""
    return asking.join(part, on=list(side.keys), how="inner")


def _by_time(asking: "pl.DataFrame", part: "pl.DataFrame", side: Side) -> "pl.DataFrame":
    """Rows with the last row of a part that was known at their moment."""
    as_of = side.join["as_of"]
    return asking.join_asof(
        part,
        left_on=MOMENT,
        right_on=KNOWN,
        by=list(side.keys) or None,
        strategy="backward",
        tolerance=None if as_of["within"] is None else timedelta(seconds=as_of["within"]),
        allow_exact_matches=not as_of["before"],
        coalesce=False,
        check_sortedness=False,
    ).filter(pl.col(KNOWN).is_not_null())


def _ordered(rows: "pl.DataFrame", join: Mapping[str, Any]) -> "pl.DataFrame":
    return rows if join["as_of"] is None else _known(rows).sort(KNOWN)


def _known(rows: "Frame") -> "Frame":
    """Without those whose time of knowledge is missing."""
    return rows.filter(pl.col(KNOWN).is_not_null())


def _common(one: "pl.DataType", other: "pl.DataType") -> "pl.DataType":
    """The type as which values of two types are compared: integers beside numbers, dates beside moments."""
    if one == other:
        return one
    if one.is_integer() and other.is_integer():
        return pl.Int128()
    return pl.Float64() if one.is_numeric() else pl.Datetime("us")


def _twice(keys: "pl.LazyFrame", bound: int) -> bool:
    """Whether some keys are in several rows, which would make two rows of one.

    Equal hashes are looked for, some of them at a time, then whether their keys are equal.
    """
    schema = keys.collect_schema()
    digest = pl.struct(schema.names()).hash().alias("hash")
    size = parquet.batch(schema)
    rounds = max(1, -(-parquet.count(keys) * HASH_BYTES // bound))
    for number in range(rounds):
        own = []
        for _at, piece in parquet.pieces(keys, size):
            rows = piece if KNOWN not in schema else _known(piece)
            found = rows.select(digest).collect()["hash"].to_numpy()
            own.append(found[found % rounds == number])
        hashes = np.sort(np.concatenate(own))
        again = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        for at in range(0, len(again), AT_ONCE):
            alike = keys.filter(digest.is_in(pl.Series(again[at : at + AT_ONCE]).implode()))
            several = alike.group_by(schema.names()).len().filter(pl.col("len") > 1).head(1)
            if several.collect(engine="streaming").height:
                return True
    return False
