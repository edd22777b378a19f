"""Tables on disk: Parquet whose bytes follow from its rows alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

Array = np.ndarray[Any, Any]

ROW_GROUP = 262_144
IMAGES = 2_048  # rows in a group, where pictures are in them
BATCH_BYTES = 64 * 1024 * 1024


def write_batches(
    frame: "pl.LazyFrame",
    change: "Callable[[pl.LazyFrame], pl.LazyFrame]",
    path: Path,
    reads: Sequence[str] | None = None,
) -> None:
    """Write changed rows in their order, a batch at a time: one batch is in memory, however long the table is.

    ``change`` treats each row alone, and needs no more than the columns ``reads``. The streaming engine by itself keeps
    a good part of a wide result in memory (measured on 5,000,000 rows of 81 columns: 1,240 MB, in batches 380 MB, in
    the same time), the more the slower the disk. The length of a batch follows from the number of columns, so equal
    rows give equal bytes.
    """
    write_pieces([frame], lambda piece, _table, _at: change(piece), path, reads)


def write_alike(
    frame: "pl.LazyFrame", change: "Callable[[pl.LazyFrame], pl.LazyFrame]", path: Path, reads: Sequence[str]
) -> None:
    """Write changed rows as ``write_batches`` does, but each as it is among others, however few these are."""
    schema = change(frame).collect_schema()

    def made() -> "Iterator[pl.DataFrame]":
        for _at, piece in pieces(frame.select(reads), batch(schema)):
            rows = piece.collect()
            yield changed(alike(rows).lazy(), change).head(rows.height)

    write_made(made(), schema, path)


def write_pieces(
    frames: "Sequence[pl.LazyFrame]",
    change: "Callable[[pl.LazyFrame, int, int], pl.LazyFrame]",
    path: Path,
    reads: Sequence[str] | None = None,
) -> None:
    """Write the changed rows of several tables, one below the other, a batch at a time.

    ``change`` is given some rows, the number of their table, and the place of the first of them in it.
    """
    schema = change(frames[0], 0, 0).collect_schema()

    def made() -> "Iterator[pl.DataFrame]":
        for table, frame in enumerate(frames):
            for at, piece in pieces(frame if reads is None else frame.select(reads), batch(schema)):
                yield changed(piece, change, table, at)

    write_made(made(), schema, path)


def write_made(made: "Iterator[pl.DataFrame]", schema: "pl.Schema", path: Path) -> None:
    """Write rows of these columns as they are made."""

    def batches(*_asked: Any) -> "Iterator[pl.DataFrame]":
        # With threads to spare the next rows are made while those before are written.
        return made if pl.thread_pool_size() == 1 else _ahead(made)

    _sink(register_io_source(batches, schema=schema), path, batch(schema))


def _ahead(made: "Iterator[pl.DataFrame]") -> "Iterator[pl.DataFrame]":
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, made, None)
        while (rows := following.result()) is not None:
            following = pool.submit(next, made, None)
            yield rows


def changed(rows: "pl.LazyFrame", change: "Callable[..., pl.LazyFrame]", *place: int) -> "pl.DataFrame":
    """Some rows, read and then changed: the same bits however many threads there are.

    A query over a stored table computes on parts whose lengths follow from the threads, and a part of one row is
    rounded otherwise than a longer one (seen in a division by a constant). So all of the rows are one part here. What
    is asked is done as it is: polars 2.1 takes a sort for idle whose order is looked at by ``gather``.
    """
    one = change(rows.collect().rechunk().lazy(), *place)
    return one.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())


def batch(schema: "Mapping[str, Any]") -> int:
    """How many rows of such columns (names and types) to take at a time."""
    if pl.Binary in schema.values():
        return IMAGES
    arrays = [kind.size for kind in schema.values() if isinstance(kind, pl.Array)]
    return rows_of(len(schema) - len(arrays) + sum(arrays), 64 if arrays else 4096)


def rows_of(width: int, least: int = 64) -> int:
    """How many rows of so many numbers to take at a time."""
    return min(ROW_GROUP, max(least, BATCH_BYTES // (8 * max(1, width))))


def pieces(frame: "pl.LazyFrame", size: int) -> "Iterator[tuple[int, pl.LazyFrame]]":
    """Rows of a stored table, ``size`` at a time, each with the place of its first; one piece where there are none."""
    for at in range(0, max(count(frame), 1), size):
        yield at, frame.slice(at, size)


def count(frame: "pl.LazyFrame") -> int:
    """How many rows there are."""
    return int(frame.select(pl.len()).collect().item())


def some(frame: "pl.LazyFrame", rows: "Array") -> "pl.DataFrame":
    """The rows of a stored table at these places, which rise."""
    found, size = [], batch(frame.collect_schema())
    for at, piece in pieces(frame, size):
        mine = rows[np.searchsorted(rows, at) : np.searchsorted(rows, at + size)]
        if len(mine):
            found.append(piece.collect()[mine - at])
    return pl.concat(found) if found else frame.head(0).collect()


def write(frame: "pl.LazyFrame | pl.DataFrame", path: Path) -> None:
    """Write rows in their order: streamed, row groups of a fixed length, so that equal rows give equal bytes.

    For what is no stored table (text, a join): of a wide stored one ``write_batches`` has less in memory.
    """
    frame = frame.lazy()
    _sink(frame, path, batch(frame.collect_schema()))


def scan(*paths: Path) -> "pl.LazyFrame":
    """The rows of a table, lazily: of a file, or of a folder of parts in the order of their names; of several tables
    one below the other."""
    return pl.scan_parquet([file for path in paths for file in files(path)], hive_partitioning=False, glob=False)


def files(path: Path) -> list[Path]:
    """The files of a table."""
    return sorted(path.iterdir()) if path.is_dir() else [path]


def alike(rows: "pl.DataFrame") -> "pl.DataFrame":
    """Rows to be changed each alone: the engine rounds a row that is alone otherwise than one among others, so it is
    given another, empty but for pictures, which no row may lack (the same row again would be one to the engine)."""
    if rows.height != 1:
        return rows
    pictures = [name for name, kind in rows.schema.items() if kind == pl.Binary]
    return pl.concat([rows, rows.clear(1).with_columns(rows.select(pictures))])


def _sink(frame: "pl.LazyFrame", path: Path, row_group: int) -> None:
    frame.sink_parquet(
        path, compression="zstd", compression_level=1, row_group_size=row_group, maintain_order=True, statistics=True
    )
