"""Delimited text, plain or gzipped."""

import functools
import io
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, ClassVar, cast

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugin import Schema, Source

if TYPE_CHECKING:
    import polars as pl

HEAD_ROWS = 1_000
HEAD_BYTES = 4 * 1024 * 1024


class Csv(Source, frozen=True, kw_only=True):
    """Delimited text with a header line, plain or gzipped; empty cells are missing values.

    Column types are read from the first 1,000 rows; a value further down that doesn't fit stops the run and says which.

    Why: what spreadsheets, databases and published data sets export.

    Example:
        people: {path: data/people.csv.gz, separator: ";", missing: ["?", NA]}
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    separator: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1)] | None,
        Meta(description="What stands between cells; a tab for .tsv, else a comma, if left out."),
    ] = None
    missing: Annotated[tuple[str, ...], Meta(description="Cells that count as missing, besides empty ones.")] = ()

    def columns(self, root: Path) -> Schema:
        """The header's names with types from the first rows."""
        from mlspec.sources import _infer

        names, rows, _all = self._table(root)
        return _infer.columns(names, rows, frozenset({"", *self.missing}))

    def values(self, root: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's cells in the first 1,000 rows."""
        names, rows, everything = self._table(root)
        if column not in names:
            return None
        index, missing = names.index(column), {"", *self.missing}
        return tuple(row[index] for row in rows if row[index] not in missing), everything

    def _table(self, root: Path) -> tuple[list[str], list[list[str]], bool]:
        """The header, the first rows, and whether there are no more. Raises ValueError where it is no such file."""
        path = root / self.path
        status = path.stat()
        return _table(path, self._separator(), (status.st_size, status.st_mtime_ns, status.st_ino))

    def scan(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """All rows, read as text and cast; what doesn't fit its type is told with its row."""
        import polars as pl

        from mlspec.sources import _cast

        path = root / self.path
        frame = pl.scan_csv(
            path,
            separator=self._separator(),
            null_values=["", *self.missing],
            infer_schema=False,
            try_parse_dates=False,
        )
        names = frame.collect_schema().names()
        absent = [c.name for c in columns if c.name not in names]
        if absent:
            raise StepError(f"{self.path} has no column '{absent[0]}' any more")
        return _cast.from_text(frame.select([c.name for c in columns]), columns, self.path)

    def _separator(self) -> str:
        return self.separator or ("\t" if ".tsv" in self.path else ",")


@functools.lru_cache(maxsize=2)
def _table(path: Path, separator: str, _state: tuple[int, ...]) -> tuple[list[str], list[list[str]], bool]:
    """The beginning of a file; kept, because its columns and its target's values are asked for one after the other."""
    import csv

    lines, whole = _head(path)
    reader = csv.reader(lines, delimiter=separator)
    try:
        names = next(reader, None)
        if not names:
            raise ValueError("the file is empty")
        if len(set(names)) < len(names):
            twice = next(n for n in names if names.count(n) > 1)
            raise ValueError(f"two columns are called '{twice}'")
        rows: list[list[str]] = []
        for number, row in enumerate(reader, start=2):
            if row and len(row) != len(names):
                raise ValueError(f"line {number} has {len(row)} cells, the header {len(names)}")
            if row:
                rows.append(row)
            if len(rows) >= HEAD_ROWS:
                return names, rows, False
    except csv.Error as error:
        raise ValueError(f"not delimited text: {error}") from None
    return names, rows, whole


def _head(path: Path) -> tuple[list[str], bool]:
    """The first complete lines of the file, and whether these are all."""
    lines: list[bytes] = []
    size = 0
    with _opened(path) as stream:
        try:
            for line in stream:
                lines.append(line)
                size += len(line)
                if len(lines) > HEAD_ROWS + 1 or size >= HEAD_BYTES:
                    break
        except (OSError, EOFError) as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise ValueError(f"not a gzip file: {error}") from None
    data = b"".join(lines)
    if b"\0" in data:
        raise ValueError("this is not text: it has zero bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text: line {data[: error.start].count(bytes([10])) + 1}") from None
    return text.splitlines(keepends=True), len(lines) <= HEAD_ROWS + 1 and size < HEAD_BYTES


def _opened(path: Path) -> "IO[bytes]":
    if path.suffix != ".gz":
        return path.open("rb")
    import gzip

    # Lines are cut by the buffer, which is much faster at it than the file below.
    return io.BufferedReader(cast(io.RawIOBase, gzip.open(path, "rb")))
