"""The lines of a text file that rows are on, for messages."""

import contextlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from mlspec.machine import json_values
from mlspec.plugins.source import Source
from mlspec.sources import _cells, _json_lines, _text
from mlspec.sources.csv import Csv
from mlspec.sources.jsonl import Jsonl

MOST = 5  # places that are listed
Record = tuple[str, int, Mapping[str, str | None]]


def places(source: Source, root: Path, cells: Mapping[int, Mapping[str, str]]) -> dict[int, tuple[str, int]]:
    """The file and the line of rows, by their numbers from 0; ``cells`` has some texts of each, by which it is known.

    Empty where the format has no lines, or where a row of the data engine is not a row of the text.
    """
    if not cells:
        return {}
    found: dict[int, tuple[str, int]] = {}
    last = max(cells)
    with contextlib.suppress(OSError, ValueError):
        for row, (file, line, record) in enumerate(_records(source, root)):
            if row in cells:
                if any((record.get(name) or "").strip() != text.strip() for name, text in cells[row].items()):
                    return {}
                found[row] = (file, line)
            if row >= last:
                return found
    return {}


def left_out(source: Source, root: Path) -> str:
    """Which rows of delimited text are left out because all their cells are empty, in words; empty where none is."""
    if not isinstance(source, Csv):
        return ""
    found = []
    for name, path in source.files(root).items():
        table = source._table(path)
        empty = table.separator * (table.width - 1)
        if empty and not source._is_regular(path):
            lines = enumerate(_text.lines(path, source.encoding), start=1)
            found += [f"line {number} of {name}" for number, line in lines if line.rstrip("\r\n") == empty]
    more = f" and {len(found) - MOST:,} more" if len(found) > MOST else ""
    return f"rows of empty cells are left out: {', '.join(found[:MOST])}{more}" if found else ""


def _records(source: Source, root: Path) -> Iterator[Record]:
    files = source.files(root)
    for name, path in files.items():
        if isinstance(source, Csv):
            yield from _delimited(source, name, path)
        elif isinstance(source, Jsonl):
            yield from _objects(name, path)


def _delimited(source: Csv, file: str, path: Path) -> Iterator[Record]:
    table = source._table(path)
    lines = islice(_text.lines(path, source.encoding), table.skipped, None)
    rows = _cells.rows(lines, table.separator, source.quote, padded=table.padded)
    read = range(table.width) if table.read is None else table.read
    for line, row in islice(rows, int(table.has_header), None):
        if len(row) != table.width:
            return
        yield file, line + table.skipped, {name: row[at] for name, at in zip(table.names, read, strict=True)}


def _objects(file: str, path: Path) -> Iterator[Record]:
    for number, line in enumerate(_text.lines(path, "utf-8"), start=1):
        if line.strip():
            row: dict[str, Any] = json_values.decode(line.encode())
            yield file, number, {key: None if v is None else _json_lines.cell(v) for key, v in row.items()}
