"""A JSON object a line."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

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
