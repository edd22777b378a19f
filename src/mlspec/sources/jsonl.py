"""A JSON object a line."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import field

from mlspec.plugins.base import Schema
from mlspec.sources import _bounds, _dates
from mlspec.sources._files import FileSource
from mlspec.sources._json_lines import Row
from mlspec.sources._records import DateForms, MissingTexts, NestedKey

if TYPE_CHECKING:
    import polars as pl


LONGEST = 16 << 20  # bytes of a line


class Jsonl(FileSource, frozen=True, kw_only=True):
    """One JSON object per line (JSON Lines), plain or compressed (.gz); null and absent keys are missing values.

    Each key of any row is a column. A list of numbers is a column for each (NAME_0, NAME_1, ...) if all rows have
    lists of one length; objects are left out, or flattened by ``nested``, and other lists are left out.

    Why: services log it and APIs return it.

    Example:
        events: {path: data/events.jsonl, nested: flatten}
    """

    version: ClassVar[int] = 3
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    nests: ClassVar[bool] = True

    nested: NestedKey = None
    missing: MissingTexts = ()
    dates: DateForms = field(default_factory=dict)

    def mistake(self) -> str:
        """Whether dates can have these forms."""
        return _dates.mistakes(self.dates)

    def head(self, path: Path) -> Schema:
        """The keys of the first 1,000 rows, in the order they first appear, with types from their values."""
        from mlspec.sources import _records

        return _dates.stated(_records.some(self._first(path)[0], self.nested, self.missing), self.dates)

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The key's values in the first 1,000 rows."""
        from mlspec.sources import _records

        rows, everything = self._first(path)
        cells = _records.values(rows, column, self.nested, frozenset(self.missing))
        return None if cells is None else (cells, everything)

    def count(self, root: Path) -> int | None:
        """The rows of one file of at most 1,000."""
        files = list(self.files(root).values())
        rows, whole = self._first(files[0]) if len(files) == 1 else ([], False)
        return len(rows) if whole else None

    def settled(self, root: Path, columns: Schema) -> Schema:
        """The keys of all rows of all files, with the types of all their values; each row is decoded once."""
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

        return _record_frames.cast(path, columns, name, rows, self.nested, self.missing, self.dates)

    def read_once(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame | None":
        """All rows, the numbers among them read as such."""
        import polars as pl

        from mlspec.sources import _cast, _record_frames

        if self.missing or self.dates:
            return None
        bare = {"integer", "number", "boolean"}
        wanted: dict[str, Any] = {c.name: _cast.dtype(c) if c.type in bare else pl.String for c in columns}
        rows = _record_frames.frame(path, wanted, self.nested, lambda: self._rows({name: path}))
        texts = [_cast.demanded(c).alias(c.name) for c in columns if c.type not in bare]
        return rows.with_columns(texts)

    def fault(self, root: Path) -> str:
        """The first line that is no JSON object."""
        try:
            for _row in self._rows(self.files(root)):
                pass
        except (ValueError, OSError) as error:
            return str(error)
        return ""

    def _first(self, path: Path) -> tuple[list[Row], bool]:
        """The first rows, and whether these are all."""
        status = path.stat()
        return _first(path, (status.st_size, status.st_mtime_ns, status.st_ino))

    def _rows(self, files: Mapping[str, Path]) -> Iterator[Row]:
        """All rows."""
        from mlspec.sources import _json_lines

        for name, path in files.items():
            yield from _json_lines.rows(_lines_of(path), Path(name).name)


@functools.lru_cache(maxsize=2)
def _first(path: Path, _state: tuple[int, ...]) -> tuple[list[Row], bool]:
    """Kept, because columns and their values are asked for one after the other."""
    from mlspec.sources import _json_lines, _text

    text, whole = _text.head(path, "utf-8", _bounds.ROWS)
    rows, everything = _json_lines.head(text, _bounds.ROWS, path.name)
    return rows, whole and everything


def _lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, decompressed. Raises OSError and ValueError where it can't be read."""
    from mlspec.sources import _text

    rest = b""
    for block in _text.blocks(path, "utf-8"):
        *found, rest = (rest + block).split(b"\n")
        yield from found
        if len(rest) > LONGEST:
            raise ValueError(f"a line is longer than {LONGEST >> 20} MiB")
    if rest:
        yield rest
