"""A JSON document that is a table."""

import functools
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from msgspec import field

from mlspec.plugins.base import Schema
from mlspec.sources import _bounds, _dates
from mlspec.sources._files import FileSource
from mlspec.sources._json_lines import Row
from mlspec.sources._records import DateForms, MissingTexts, NestedKey

if TYPE_CHECKING:
    import polars as pl


class Json(FileSource, frozen=True, kw_only=True):
    """A JSON document that is a table: an array of objects, or one of the forms that pandas writes.

    These are columns of values (its default), ``split``, ``index``, ``table`` and a list for each column; of an object
    with one array of objects, as services answer, that array is the table. Objects and lists in rows are treated as in
    JSON Lines. A document is in memory while it is read: up to 128 MiB, or 32 MiB if columns are one after the other.

    Why: services answer with it, and notebooks save it.

    Example:
        people: {path: data/people.json, nested: flatten}
    """

    version: ClassVar[int] = 3
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".json.gz")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    nests: ClassVar[bool] = True

    nested: NestedKey = None
    missing: MissingTexts = ()
    dates: DateForms = field(default_factory=dict)

    def mistake(self) -> str:
        """Whether dates can have these forms."""
        return _dates.mistakes(self.dates)

    def is_probed_apart(self, root: Path) -> bool:
        """It has to be read whole before its columns are known."""
        return not self.is_fetched

    def head(self, path: Path) -> Schema:
        """The keys of the first 1,000 rows, in the order they first appear, with types from their values."""
        from mlspec.sources import _records

        rows = islice(self._rows({path.name: path}), _bounds.ROWS)
        return _dates.stated(_records.some(rows, self.nested, self.missing), self.dates)

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The key's values in the first 1,000 rows."""
        from mlspec.sources import _records

        rows = list(islice(self._rows({path.name: path}), _bounds.ROWS + 1))
        cells = _records.values(rows[: _bounds.ROWS], column, self.nested, frozenset(self.missing))
        return None if cells is None else (cells, len(rows) <= _bounds.ROWS)

    def settled(self, root: Path, columns: Schema) -> Schema:
        """The keys of all rows of all files, with the types of all their values."""
        from mlspec.sources import _records

        files = self.files(root)
        found = _records.some(self._rows(files), self.nested, self.missing)
        placed = _records.placed(found, columns, lambda: self._rows(files), self.nested)
        return _dates.stated(placed, self.dates) + self.of_folders(root, columns)

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, read as text and cast; a value that does not match its type is reported with its row."""
        from mlspec.sources import _record_frames

        def rows() -> Iterator[Row]:
            return self._rows({name: path})

        data = io.BytesIO(b"\n".join(_lines(path, _state(path))))
        return _record_frames.cast(data, columns, name, rows, self.nested, self.missing, self.dates)

    def _rows(self, files: dict[str, Path]) -> Iterator[Row]:
        from mlspec.sources import _json_lines

        for name, path in files.items():
            yield from _json_lines.rows(_lines(path, _state(path)), Path(name).name, "row")


def _state(path: Path) -> tuple[int, ...]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


@functools.lru_cache(maxsize=1)
def _lines(path: Path, _state: tuple[int, ...]) -> tuple[bytes, ...]:
    """Kept, because columns and their values are asked for one after the other."""
    from mlspec.sources import _json_tables

    return tuple(_json_tables.lines(path))
