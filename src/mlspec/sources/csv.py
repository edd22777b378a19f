"""Delimited text, plain or compressed, in any encoding."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Schema
from mlspec.sources import _header
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
    not_features: ClassVar[tuple[str, ...]] = ("",)  # the index that pandas writes

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
        separator = self.separator or ","
        if not separator.isascii() or not self.quote.isascii() or {separator, self.quote} & {"\n", "\r", "\0"}:
            return "separator and quote must each be one ASCII character, and not a line break"
        return "separator and quote are the same" if separator == self.quote else ""

    def is_probed_apart(self, root: Path) -> bool:
        """Only where the data engine is needed to decompress it."""
        return any(path.suffix.lower() == ".zst" for path in self.files(root).values())

    def head(self, path: Path) -> Schema:
        """The header's names with types from the first rows."""
        from mlspec.sources import _infer

        table = self._table(path)
        rows = table.rows
        if self.decimal != ".":
            rows = [[cell.replace(self.decimal, ".") for cell in row] for row in rows]
        return _infer.columns(table.names, rows, frozenset({"", *self.missing}))

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's cells in the first 1,000 rows."""
        table = self._table(path)
        if column not in table.names:
            return None
        index, missing = table.names.index(column), {"", *self.missing}
        return tuple(row[index] for row in table.rows if row[index] not in missing), table.whole

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

    def lenient(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """The same."""
        return self._below(self._frames(root, columns, self._read_leniently))

    def _read_leniently(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        from mlspec.sources import _cast

        return _cast.from_text(self._rows(path, columns, name, {}), columns, name, self.decimal, lenient=True)

    def _rows(self, path: Path, columns: Schema, name: str, types: "dict[str, Any]") -> "pl.LazyFrame":
        """These columns, all but those with a type as text."""
        import polars as pl

        from mlspec.sources import _text

        # The engine would read some names of a header otherwise (doubled quotes, one name twice).
        table = self._table(path)
        absent = [c.name for c in columns if c.name not in table.names]
        if absent:
            raise StepError(f"{name} has no column '{absent[0]}' any more")
        frame = pl.scan_csv(
            path if _text.is_plain(path, self.encoding) else _text.decoded(path, self.encoding),
            separator=table.separator,
            skip_rows=table.skipped,
            quote_char=self.quote or None,
            null_values=["", *self.missing],
            has_header=not self.names,
            new_columns=list(table.names),
            schema_overrides=types or None,
            infer_schema=False,
            try_parse_dates=False,
            glob=False,
        )
        return frame.select([c.name for c in columns])

    def fault(self, root: Path) -> str:
        """The first line with a quote inside a cell, which the data engine takes for the beginning of a quoted one."""
        from mlspec.sources import _quotes

        for name, path in self.files(root).items():
            line = _quotes.bare(path, self.encoding, self._table(path).separator, self.quote) if self.quote else None
            if line is not None:
                return f'line {line} of {name} has a quote inside a cell: if no cell is quoted, add quote: ""'
        return ""

    def _table(self, path: Path) -> "_header.Head":
        """The header and the first rows. Raises ValueError where it is no such file."""
        status = path.stat()
        dialect = (self.separator, "\t" if ".tsv" in self.path else ",", self.quote, self.encoding, self.names)
        return _header.head(path, dialect, (status.st_size, status.st_mtime_ns, status.st_ino))
