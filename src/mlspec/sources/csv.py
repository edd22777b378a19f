"""Delimited text, plain or compressed, in any encoding."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, field
from msgspec.structs import replace

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column, Schema
from mlspec.sources import _dates, _header
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl

    from mlspec.sources import _amounts

NEGATIVE = "numbers in parentheses, in later rows, are negative"
NUMBERS = ("integer", "number")
COMPRESSED = ("", ".gz", ".bz2", ".xz", ".zst")
Character = Annotated[str, Meta(min_length=1, max_length=1)]


class Csv(FileSource, frozen=True, kw_only=True):
    """Delimited text, plain or compressed (.gz, .bz2, .xz, .zst); empty cells are missing values, empty rows are none.

    A column has the narrowest type that all its rows have; dates in US or European form count where they leave no
    doubt. A few cells of text in a column of numbers are an error that names their line. A sign that all numbers of a
    column have ($, €, %) is left out; a number in parentheses is negative, as accountants write. A quote counts at the
    beginning of a cell alone.

    Why: spreadsheets, databases and publishers of data sets export it.

    Example:
        people: {path: data/people.csv.gz, separator: ";", decimal: ",", encoding: latin-1, missing: ["?", NA]}
    """

    version: ClassVar[int] = 4
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
    thousands: Annotated[
        Annotated[str, Meta(max_length=1)],
        Meta(description="The character between thousands in numbers; a blank stands for all kinds of blanks."),
    ] = ""
    encoding: Annotated[
        str, Meta(description="The text encoding, by its name in Python.", examples=["utf-8", "latin-1"])
    ] = "utf-8"
    names: Annotated[
        tuple[str, ...],
        Meta(description="The column names, for a file without a header line, or instead of it (`header: true`)."),
    ] = ()
    header: Annotated[
        bool | None,
        Meta(description="Whether the first line holds the names; if left out, unless `names` are stated."),
    ] = None
    footer: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The number of rows at the end that are no data: a total, notes."),
    ] = None
    skip: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The number of lines above the header that are no data: a title, notes."),
    ] = None
    dates: Annotated[
        dict[str, str],
        Meta(
            description="The format of dates by column, in strftime codes, where it is not ISO 8601; found out where "
            "all values of a column leave no doubt.",
            examples=[{"sold": "%m/%d/%Y"}],
        ),
    ] = field(default_factory=dict)

    @classmethod
    def sniff(cls, path: Path, settings: dict[str, Any], notes: list[str]) -> None:
        """Separators, the encoding, a header, rows at the end that are no data, and words for missing values."""
        from mlspec.sources import _dialect

        first = next(iter(cls(path=str(path)).files(Path()).values()), path)
        _dialect.find(first, _usual(path.name), settings, notes)

    def mistake(self) -> str:
        """Whether the data engine can split cells and read dates."""
        wrong = _dates.mistakes(self.dates)
        if wrong:
            return wrong
        if self.decimal == self.thousands:
            return "decimal and thousands are the same"
        separator = self.separator or ","
        if not separator.isascii() or not self.quote.isascii() or {separator, self.quote} & {"\n", "\r", "\0"}:
            return "separator and quote must each be one ASCII character, and not a line break"
        return "separator and quote are the same" if separator == self.quote else ""

    def is_empty(self, root: Path) -> bool:
        """Whether it is one file that holds nothing but names."""
        files = list(self.files(root).values())
        return len(files) == 1 and not self._table(files[0]).rows

    def is_probed_apart(self, root: Path) -> bool:
        """Only where the data engine is needed to decompress it."""
        return any(path.suffix.lower() == ".zst" for path in self.files(root).values())

    def head(self, path: Path) -> Schema:
        """The header's names with types from the first rows."""
        from mlspec.sources import _hints, _infer

        table, missing = self._table(path), frozenset({"", *self.missing})
        cells = _infer.distinct(table.names, table.rows, missing)
        found = _infer.columns(table.names, table.rows, missing, cells)
        found = _hints.columns(found, cells, missing, table.separator, self._form, table.hints)
        return self._placed({path.name: path}, _dates.stated(found, self.dates))

    def settled(self, root: Path, columns: Schema) -> Schema:
        """The columns with the types that all rows of all files have, by a scan of those that may differ."""
        from mlspec.sources import _columnar, _infer, _settle

        files = self.files(root)
        first = next(iter(files.values()))
        table = self._table(first)
        if len(files) == 1 and table.whole:
            return columns
        own = tuple(c for c in columns if c.name in table.names and c.name not in self.dates)
        missing = frozenset({"", *self.missing})

        def settle(own: Schema, *, negative: bool) -> dict[str, Column]:
            frames = [
                self._numbers(self._rows(path, own, name, {}), self._forms(path, own, negative=negative))
                for name, path in files.items()
            ]
            return {c.name: c for c in _settle.settled(frames, own, table, missing)}

        try:
            found = settle(own, negative=False)
            none = missing.union(_infer.NOT_A_NUMBER)
            given = {n for at, n in enumerate(table.names) if any(row[at] not in none for row in table.rows)}
            later = tuple(c for c in own if c.name not in given or _may_be_negative(c, found[c.name]))
            again = settle(later, negative=True) if later else {}
            for name, column in again.items():
                if column.type in NUMBERS and column != found[name]:
                    found[name] = column if column.odd else replace(column, hint=NEGATIVE)
        except _columnar.errors() as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise ValueError(self.fault(root) or _columnar.reason(error)) from None
        settled = self._placed(files, tuple(found.get(c.name, c) for c in columns))
        return tuple(map(_settle.explained, settled, columns))

    def _placed(self, files: Mapping[str, Path], columns: Schema) -> Schema:
        """The columns with the lines of their odd cells."""
        if not any(column.odd for column in columns):
            return columns
        from mlspec.sources import _odd

        tables = {name: (path, self._table(path)) for name, path in files.items()}
        return _odd.placed(tables, self.encoding, self.quote, columns)

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's cells in the first 1,000 rows."""
        table = self._table(path)
        if column not in table.names:
            return None
        index, missing = table.names.index(column), {"", *self.missing}
        return tuple(row[index] for row in table.rows if row[index] not in missing), table.whole

    def count(self, root: Path) -> int | None:
        """The rows of one file of at most 1,000."""
        files = list(self.files(root).values())
        table = self._table(files[0]) if len(files) == 1 else None
        return len(table.rows) if table is not None and table.whole else None

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, read as text and cast; a value that does not match its type is reported with its row."""
        from mlspec.sources import _cast

        columns = self._dated(path, columns)
        return _cast.from_text(self._text(path, columns, name), columns, name)

    def read_once(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame | None":
        """All rows, the numbers among them read as such."""
        from mlspec.sources import _cast

        columns = self._dated(path, columns)
        numbers = {c.name: _cast.dtype(c) for c in columns if c.type in NUMBERS}
        is_plain = all(form.is_plain for form in self._forms(path, columns, negative=False).values())
        if not is_plain or self._table(path).padded or not self._is_regular(path):
            return None
        rows = self._rows(path, columns, name, numbers)
        return rows.with_columns([_cast.demanded(c).alias(c.name) for c in columns if c.name not in numbers])

    def lenient(self, root: Path, columns: Schema) -> "pl.LazyFrame":
        """The same."""
        return self._below(self._frames(root, columns, self._read_leniently))

    def _read_leniently(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        from mlspec.sources import _cast

        columns = self._dated(path, columns)
        return _cast.from_text(self._text(path, columns, name), columns, name, lenient=True)

    def _dated(self, path: Path, columns: Schema) -> Schema:
        """The columns of dates with their format, unless it is ISO 8601: stated, found, or of the first rows."""
        forms = {c.name: self.dates.get(c.name, c.form) for c in columns if c.type in ("date", "datetime")}
        if any(not form for form in forms.values()):
            forms = {c.name: forms.get(c.name) or c.form for c in self.head(path)}
        return tuple(replace(c, form=forms.get(c.name, "") if c.type in ("date", "datetime") else "") for c in columns)

    def _text(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """Rows of text, the cells of numbers as the data engine reads them."""
        return self._numbers(self._rows(path, columns, name, {}), self._forms(path, columns, negative=True))

    def _numbers(self, rows: "pl.LazyFrame", forms: "Mapping[str, _amounts.Form]") -> "pl.LazyFrame":
        import polars as pl

        from mlspec.sources import _amount_cells

        return rows.with_columns(
            _amount_cells.expression(pl.col(name), form) for name, form in forms.items() if not form.is_plain
        )

    def _forms(self, path: Path, columns: Schema, *, negative: bool) -> "dict[str, _amounts.Form]":
        """How the numbers of each column of numbers are written; ``negative``: some in parentheses may come later."""
        from mlspec.sources import _amounts

        table = self._table(path)
        places = {name: at for at, name in enumerate(table.names)}
        numbers = [c.name for c in columns if c.type in NUMBERS and c.name in places]
        found = {name: _amounts.of_column({row[places[name]] for row in table.rows}, self._form) for name in numbers}
        return {name: form._replace(negative=form.negative or negative) for name, form in found.items()}

    def _is_regular(self, path: Path) -> bool:
        """Whether the data engine splits all rows as Python's csv does."""
        from mlspec.sources import _survey

        table = self._table(path)
        is_whole = table.read is None and not self.footer and not self.skip
        return is_whole and _survey.is_regular(
            path, self.encoding, table.separator, self.quote, table.width, table.skipped
        )

    def _rows(self, path: Path, columns: Schema, name: str, types: "dict[str, Any]") -> "pl.LazyFrame":
        """These columns, all but those with a type as text."""
        import polars as pl

        from mlspec.sources import _row_by_row, _text

        # The engine would read some names of a header otherwise (doubled quotes, one name twice).
        table = self._table(path)
        absent = [c.name for c in columns if c.name not in table.names]
        if absent:
            raise StepError(f"{name} has no column '{absent[0]}' any more")
        if not self._is_regular(path):
            return _row_by_row.frame(
                path, self.encoding, table, self.quote, self.footer or 0, ("", *self.missing)
            ).select([c.name for c in columns])
        frame = pl.scan_csv(
            path if _text.is_plain(path, self.encoding) else _text.decoded(path, self.encoding),
            separator=table.separator,
            skip_rows=table.skipped,
            quote_char=self.quote or None,
            null_values=["", *self.missing],
            has_header=table.has_header,
            new_columns=list(table.names),
            schema_overrides=types or None,
            infer_schema=False,
            try_parse_dates=False,
            glob=False,
        )
        frame = frame.select([c.name for c in columns])
        if not table.padded:
            return frame
        bare = pl.all().str.strip_chars(" ")
        return frame.select(pl.when(~bare.is_in(["", *self.missing])).then(bare).name.keep())

    def blanks(self, root: Path) -> str:
        """Rows without a value in any cell; lines without a cell do not count, nor what follows the last row."""
        from mlspec.sources import _row_by_row

        for name, path in self.files(root).items():
            table = self._table(path)
            if self._is_regular(path):
                continue
            count, line = _row_by_row.blanks(path, self.encoding, table)
            if count:
                rows = "a row of blanks is" if count == 1 else f"{count:,} rows of blanks are"
                return f"{rows} left out: {'' if count == 1 else 'the first is '}line {line} of {name}"
        return ""

    def fault(self, root: Path) -> str:
        """The first line that is no row of this table, or no text."""
        from mlspec.sources import _row_by_row

        for name, path in self.files(root).items():
            wrong = _row_by_row.fault(path, self.encoding, self._table(path), self.quote, self.footer or 0)
            if wrong:
                return f"{name}: {wrong}"
        return ""

    @property
    def _form(self) -> "_amounts.Form":
        from mlspec.sources import _amounts

        return _amounts.Form(self.decimal, self.thousands)

    def _table(self, path: Path) -> "_header.Head":
        """The header and the first rows. Raises ValueError where it is no such file."""
        status = path.stat()
        dialect = _header.Dialect(
            self.separator,
            _usual(self.path),
            self.quote,
            self.encoding,
            self.names,
            self.header,
            self.footer,
            self.skip,
        )
        return _header.head(path, dialect, (status.st_size, status.st_mtime_ns, status.st_ino))


def _usual(path: str) -> str:
    """The separator of a file by its name."""
    return "\t" if ".tsv" in path else ","


def _may_be_negative(before: Column, column: Column) -> bool:
    """Whether a column that begins with numbers has others in parentheses that made it text, or are odd."""
    from mlspec.sources import _amounts

    cells = [cell for cell, _place in column.odd]
    return before.type in NUMBERS and bool(_amounts.in_parentheses(cells, _amounts.sign(cells)))
