"""Delimited text, plain or compressed, in any encoding."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Schema
from mlspec.sources import _bounds
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl

COMPRESSED = ("", ".gz", ".bz2", ".xz", ".zst")
Character = Annotated[str, Meta(min_length=1, max_length=1)]


class Csv(FileSource, frozen=True, kw_only=True):
    """Delimited text, plain or compressed (.gz, .bz2, .xz, .zst); empty cells are missing values.

    Column types are inferred from the first 1,000 rows; a later value of another type stops the run with its place.

    Why: spreadsheets, databases and publishers of data sets export it.

    Example:
        people: {path: data/people.csv.gz, separator: ";", decimal: ",", encoding: latin-1, missing: ["?", NA]}
    """

    suffixes: ClassVar[tuple[str, ...]] = tuple(f"{kind}{more}" for kind in (".csv", ".tsv") for more in COMPRESSED)
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    separator: Annotated[
        Character | None,
        Meta(description="The separator between cells; a tab for .tsv, else a comma, if left out."),
    ] = None
    missing: Annotated[
        tuple[str, ...], Meta(description="Cells that count as missing, in addition to empty ones.")
    ] = ()
    quote: Annotated[
        Annotated[str, Meta(max_length=1)],
        Meta(description="The quote character around cells that contain separators or line breaks; empty: none."),
    ] = '"'
    decimal: Annotated[Character, Meta(description="The decimal separator of numbers.")] = "."
    encoding: Annotated[
        str, Meta(description="The text encoding, by its name in Python.", examples=["utf-8", "latin-1"])
    ] = "utf-8"
    names: Annotated[tuple[str, ...], Meta(description="The column names, for a file without a header line.")] = ()

    def mistake(self) -> str:
        """Whether the data engine can split cells."""
        separator = self._separator()
        if not separator.isascii() or not self.quote.isascii() or {separator, self.quote} & {"\n", "\r", "\0"}:
            return "separator and quote must each be one ASCII character, and not a line break"
        return "separator and quote are the same" if separator == self.quote else ""

    def is_probed_apart(self, root: Path) -> bool:
        """Only where the data engine is needed to decompress it."""
        return any(path.suffix.lower() == ".zst" for path in self.files(root).values())

    def head(self, path: Path) -> Schema:
        """The header's names with types from the first rows."""
        from mlspec.sources import _infer

        names, rows, _all = self._table(path)
        if self.decimal != ".":
            rows = [[cell.replace(self.decimal, ".") for cell in row] for row in rows]
        return _infer.columns(names, rows, frozenset({"", *self.missing}))

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's cells in the first 1,000 rows."""
        names, rows, everything = self._table(path)
        if column not in names:
            return None
        index, missing = names.index(column), {"", *self.missing}
        return tuple(row[index] for row in rows if row[index] not in missing), everything

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, read as text and cast; a value that does not match its type is reported with its row."""
        from mlspec.sources import _cast

        return _cast.from_text(self._rows(path, columns, name, {}), columns, name, self.decimal)

    def read_once(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame | None":
        """All rows, the numbers among them read as such."""
        from mlspec.sources import _cast

        if self.decimal != ".":
            return None
        numbers = {c.name: _cast.dtype(c) for c in columns if c.type in ("integer", "number")}
        rows = self._rows(path, columns, name, numbers)
        return rows.with_columns([_cast.demanded(c).alias(c.name) for c in columns if c.name not in numbers])

    def _rows(self, path: Path, columns: Schema, name: str, types: "dict[str, Any]") -> "pl.LazyFrame":
        """These columns, all but those with a type as text."""
        import polars as pl

        from mlspec.sources import _text

        # The engine would read some names of a header otherwise (doubled quotes, one name twice).
        given = self._table(path)[0]
        absent = [c.name for c in columns if c.name not in given]
        if absent:
            raise StepError(f"{name} has no column '{absent[0]}' any more")
        frame = pl.scan_csv(
            path if _text.is_plain(path, self.encoding) else _text.decoded(path, self.encoding),
            separator=self._separator(),
            quote_char=self.quote or None,
            null_values=["", *self.missing],
            has_header=not self.names,
            new_columns=given,
            schema_overrides=types or None,
            infer_schema=False,
            try_parse_dates=False,
            glob=False,
        )
        return frame.select([c.name for c in columns])

    def _separator(self) -> str:
        return self.separator or ("\t" if ".tsv" in self.path else ",")

    def _table(self, path: Path) -> tuple[list[str], list[list[str]], bool]:
        """The header, the first rows, and whether there are no more. Raises ValueError where it is no such file."""
        status = path.stat()
        dialect = (self._separator(), self.quote, self.encoding, self.names)
        return _table(path, dialect, (status.st_size, status.st_mtime_ns, status.st_ino))


@functools.lru_cache(maxsize=4)
def _table(
    path: Path, dialect: tuple[str, str, str, tuple[str, ...]], _state: tuple[int, ...]
) -> tuple[list[str], list[list[str]], bool]:
    """The beginning of a file; kept, because its columns and its target's values are asked for one after the other."""
    import csv
    import io
    from collections import Counter
    from itertools import islice

    from mlspec.sources import _text

    separator, quote, encoding, stated = dialect
    text, whole = _text.head(path, encoding, _bounds.ROWS + (0 if stated else 1))
    lines = io.StringIO(text, newline="\n")  # a line ends as for the engine: at a line feed, and nowhere else
    reader = csv.reader(
        lines, delimiter=separator, quotechar=quote or None, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    )
    try:
        names = list(stated) or next(reader, [])
        if not names or not text:
            raise ValueError("the file is empty")
        if quote and not stated and text[: lines.tell()].count(quote) % 2:
            raise ValueError("its header has an unclosed quote, or a quote inside a name")
        if len(names) > _bounds.COLUMNS:
            raise ValueError(f"it has {len(names):,} columns, but at most {_bounds.COLUMNS:,} are read")
        if len(set(names)) < len(names):
            twice = next(iter(name for name, times in Counter(names).items() if times > 1))
            raise ValueError(f"two columns are called '{twice}'")
        numbered = ((number, row) for number, row in enumerate(reader, start=1 if stated else 2) if row)
        rows = list(islice(numbered, _bounds.ROWS + 1))
    except csv.Error as error:
        raise ValueError(f"not delimited text: {error}") from None
    if not whole and 1 < len(rows) <= _bounds.ROWS:
        rows.pop()  # a cell of several lines may have been cut off in it
    for number, row in rows[: _bounds.ROWS]:
        if len(row) != len(names):
            raise ValueError(f"line {number} has {len(row)} cells, but the header has {len(names)}")
    return names, [row for _number, row in rows[: _bounds.ROWS]], whole and len(rows) <= _bounds.ROWS
