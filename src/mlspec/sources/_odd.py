"""Where cells of text are, in columns whose other cells are numbers."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from mlspec.plugins.base import Schema
from mlspec.sources import _row_by_row
from mlspec.sources._header import Head

MOST_PLACES = 3


def placed(tables: Mapping[str, tuple[Path, Head]], encoding: str, quote: str, columns: Schema) -> Schema:
    """The columns with the file and line of their first odd cells, as far as they are found."""
    wanted = {column.name: [cell for cell, _place in column.odd[:MOST_PLACES]] for column in columns if column.odd}
    places: dict[tuple[str, str], str] = {}
    total = sum(map(len, wanted.values()))
    for file, (path, table) in tables.items():
        at = {name: table.names.index(name) for name in wanted if name in table.names}
        for line, row in _row_by_row.numbered(path, encoding, table, quote):
            for name, index in at.items():
                if index < len(row) and row[index] in wanted[name] and (name, row[index]) not in places:
                    places[name, row[index]] = f"line {line} of {file}"
            if len(places) == total:
                break
    return tuple(
        replace(c, odd=tuple((cell, places.get((c.name, cell), "")) for cell, _place in c.odd)) if c.odd else c
        for c in columns
    )
