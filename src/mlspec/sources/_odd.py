"""Where cells of text are, in columns whose other cells are numbers."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from mlspec.plugins.base import Schema
from mlspec.sources import _cells, _text
from mlspec.sources._header import Head

MOST_PLACES = 3


def placed(tables: Mapping[str, tuple[Path, Head]], encoding: str, quote: str, columns: Schema) -> Schema:
    """The columns with the file and line of their first odd cells, as far as they are found."""
    wanted = {column.name: [cell for cell, _place in column.odd[:MOST_PLACES]] for column in columns if column.odd}
    places: dict[tuple[str, str], str] = {}
    total = sum(map(len, wanted.values()))
    for file, (path, table) in tables.items():
        at = {name: table.names.index(name) for name in wanted if name in table.names}
        for line, row in _rows(path, encoding, table, quote):
            for name, index in at.items():
                if index < len(row) and row[index] in wanted[name] and (name, row[index]) not in places:
                    places[name, row[index]] = f"line {line} of {file}"
            if len(places) == total:
                break
    return tuple(
        replace(c, odd=tuple((cell, places.get((c.name, cell), "")) for cell, _place in c.odd)) if c.odd else c
        for c in columns
    )


def _rows(path: Path, encoding: str, table: Head, quote: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of the columns that are read, each row with the line that it begins on, as far as they can be read."""
    with contextlib.suppress(ValueError, OSError):
        for line, row in _cells.rows(_text.lines(path, encoding), table.separator, quote, padded=table.padded):
            yield line, row if table.read is None else [row[at] for at in table.read if at < len(row)]
