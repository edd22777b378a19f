"""A JSON object a line."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.base import Schema
from mlspec.sources import _bounds
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl

AS_TEXT = ("date", "datetime", "image")  # what JSON has no value for; images in base64


class Jsonl(FileSource, frozen=True, kw_only=True):
    """One JSON object per line (JSON Lines); null and absent keys are missing values.

    Why: services log it and APIs return it.

    Example:
        events: {path: data/events.jsonl}
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def head(self, path: Path) -> Schema:
        """The keys of the first 1,000 rows, in the order they first appear, with types from their values."""
        from mlspec.plugins.base import Column
        from mlspec.sources import _infer

        return tuple(Column(name, _infer.narrowest(cells)) for name, cells in self._cells(path)[0].items())

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The key's values in the first 1,000 rows."""
        cells, everything = self._cells(path)
        return (tuple(cells[column]), everything) if column in cells else None

    def fault(self, root: Path) -> str:
        """The first value of another type than those of its key in the first rows."""
        from mlspec.sources import _json_lines

        types = {column.name: column.type for column in self.columns(root)}
        for name, number, row in self._objects(self.files(root)):
            for key, value in row.items():
                other = _json_lines.unlike(value, types.get(key, "category"))
                if other:
                    return f"line {number} of {name}: '{key}' is {other}, but {types[key]} in other rows"
        return ""

    def overlooked(self, root: Path) -> str:
        """The first key that the first 1,000 rows lack."""
        known = {column.name for column in self.columns(root)}
        longer = {name: path for name, path in self.files(root).items() if not self._cells(path)[1]}
        for name, number, row in self._objects(longer):
            if not row.keys() <= known:
                key = next(key for key in row if key not in known)
                return (
                    f"line {number} of {name} has the key '{key}', which the first {_bounds.ROWS:,} rows lack: put "
                    "such a row among them, or take the key out of all rows"
                )
        return ""

    def _objects(self, files: Mapping[str, Path]) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """All objects with the file's name and the line, up to one that is none."""
        from mlspec.machine import json_values, safe_files

        for name, path in files.items():
            with contextlib.suppress(ValueError, OSError), safe_files.opened(path) as file:
                for number, line in enumerate(file, start=1):
                    row = json_values.decode(line)
                    if isinstance(row, dict):
                        yield name, number, row

    def _cells(self, path: Path) -> tuple[dict[str, list[str]], bool]:
        """Each key's values as text, null left out, and whether there are no more rows."""
        from mlspec.sources import _json_lines, _text

        text, whole = _text.head(path, "utf-8", _bounds.ROWS)
        rows, everything = _json_lines.objects(text, _bounds.ROWS)
        cells: dict[str, list[str]] = {}
        for row in rows:
            for key, value in row.items():
                kept = cells.setdefault(key, [])
                if value is not None:
                    kept.append(_json_lines.cell(value))
        if not cells:
            raise ValueError("the file is empty")
        return cells, whole and everything

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, cast."""
        import polars as pl

        from mlspec.sources import _cast

        schema = {c.name: pl.String if c.type in AS_TEXT else _cast.dtype(c) for c in columns}
        frame = pl.scan_ndjson(path, schema=schema)
        texts = tuple(c for c in columns if c.type in AS_TEXT)
        if texts:
            frame = frame.with_columns([_cast.parsed(c).alias(c.name) for c in texts])
        return frame.select([c.name for c in columns])
