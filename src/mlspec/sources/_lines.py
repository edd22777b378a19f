"""The lines of a text file that rows are on, for messages."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlspec.machine import json_values
from mlspec.plugins.source import Source
from mlspec.sources import _row_by_row, _text
from mlspec.sources._json_lines import cell
from mlspec.sources.csv import Csv
from mlspec.sources.jsonl import Jsonl

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


def _records(source: Source, root: Path) -> Iterator[Record]:
    files = source.files(root)
    for name, path in files.items():
        if isinstance(source, Csv):
            yield from _delimited(source, name, path)
        elif isinstance(source, Jsonl):
            yield from _objects(name, path)


def _delimited(source: Csv, file: str, path: Path) -> Iterator[Record]:
    table = source._table(path)
    for line, row in _row_by_row.numbered(path, source.encoding, table, source.quote):
        yield file, line, dict(zip(table.names, row, strict=False))


def _objects(file: str, path: Path) -> Iterator[Record]:
    for number, line in enumerate(_text.lines(path, "utf-8"), start=1):
        if line.strip():
            row: dict[str, Any] = json_values.decode(line.encode())
            yield file, number, {key: None if v is None else cell(v) for key, v in row.items()}
