"""All rows of delimited text as Python's csv reads them: for files that the data engine would split otherwise."""

import contextlib
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.sources import _cells, _text
from mlspec.sources._header import Head

if TYPE_CHECKING:
    import polars as pl

ROWS = 20_000  # at a time


def rows(path: Path, encoding: str, table: Head, quote: str, footer: int) -> Iterator[Sequence[str]]:
    """The cells of the columns that are read. Raises ValueError with the line of what is no row of this table."""
    lines = _text.lines(path, encoding)
    for _line in range(table.skipped):
        next(lines, None)
    numbered = _cells.rows(lines, table.separator, quote, padded=table.padded)
    if table.has_header:
        next(numbered, None)
    held: deque[tuple[int, list[str]]] = deque()
    left_out = () if table.read is None else tuple(set(range(table.width)) - set(table.read))
    for one in numbered:
        held.append(one)
        if len(held) <= footer:
            continue
        line, row = held.popleft()
        if len(row) != table.width:
            raise ValueError(f"line {line + table.skipped} has {len(row)} cells, but {table.width} are expected")
        if table.read is None:
            yield row
            continue
        for at in left_out:
            if row[at]:
                raise ValueError(
                    f"line {line + table.skipped} has a value in column {at + 1}, which has no name and no values in "
                    "the first rows: name all columns with `names`, and add header: true"
                )
        yield [row[at] for at in table.read]


def numbered(path: Path, encoding: str, table: Head, quote: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of the columns that are read, behind the header, each row with the line that it begins on; ends where a
    row can't be read."""
    lines = _text.lines(path, encoding)
    for _line in range(table.skipped):
        next(lines, None)
    found = _cells.rows(lines, table.separator, quote, padded=table.padded)
    with contextlib.suppress(ValueError, OSError):
        if table.has_header:
            next(found, None)
        for line, row in found:
            cells = row if table.read is None else [row[at] for at in table.read if at < len(row)]
            yield line + table.skipped, cells


def blanks(path: Path, encoding: str, table: Head) -> tuple[int, int]:
    """How many rows of separators alone come before other rows, and the line of the first."""
    count = first = after = 0
    empty = table.separator * (table.width - 1)
    for number, line in enumerate(_text.lines(path, encoding), start=1):
        text = line.rstrip("\r\n")
        if text and text.replace(" ", "") == empty:
            first, after = first or number, after + 1
        elif text:
            count, after = count + after, 0
    return count, first


def fault(path: Path, encoding: str, table: Head, quote: str, footer: int) -> str:
    """What is wrong with the first row that is none of this table; empty where nothing is."""
    try:
        deque(rows(path, encoding, table, quote, footer), maxlen=0)
    except (ValueError, OSError) as error:
        return str(error)
    return ""


def frame(path: Path, encoding: str, table: Head, quote: str, footer: int, missing: Collection[str]) -> "pl.LazyFrame":
    """All rows as a lazy frame of text, some rows in memory at a time; what a cell in ``missing`` holds is missing.

    Collecting it raises ValueError with the line of what is no row of this table.
    """
    import polars as pl
    from polars.io.plugins import register_io_source

    none = dict.fromkeys(missing)

    def batches(
        columns: list[str] | None, predicate: "pl.Expr | None", most: int | None, _size: int | None
    ) -> "Iterator[pl.DataFrame]":
        names = table.names if columns is None else columns
        places = [table.names.index(name) for name in names]
        left = most
        found = rows(path, encoding, table, quote, footer)
        while left is None or left > 0:
            some = list(islice(found, ROWS if left is None else min(ROWS, left)))
            if not some:
                return
            cells = [[none.get(row[at], row[at]) for row in some] for at in places]
            batch = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="col", height=len(some))
            left = None if left is None else left - len(some)
            yield batch if predicate is None else batch.filter(predicate)

    return register_io_source(batches, schema=dict.fromkeys(table.names, pl.String), is_pure=True)
