"""Workbooks of spreadsheets."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta, field
from msgspec.structs import replace

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Schema
from mlspec.sources import _bounds, _dates
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl

    from mlspec.sources._workbook import Table


class Excel(FileSource, frozen=True, kw_only=True):
    """A sheet of a workbook (.xlsx, .xlsm, .xlsb, .xls, .ods); empty cells and errors (#N/A) are missing values.

    Cells are read as they are stored, without their format: 25 % is 0.25, and a formula is its last value. Rows without
    any value are no rows.

    Why: people keep tables in it, and are sent them.

    Example:
        people: {path: data/people.xlsx, sheet: Survey, header: 3}
    """

    version: ClassVar[int] = 3
    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
    libraries: ClassVar[tuple[str, ...]] = ("polars", "fastexcel")
    extra: ClassVar[str] = "excel"
    not_features: ClassVar[tuple[str, ...]] = ("",)  # the index that pandas writes

    sheet: Annotated[
        str | int | None,
        Meta(description="The sheet, by its name or by its number from 1; the first if left out."),
    ] = None
    header: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="The row with the names of the columns; the first that is not empty if left out."),
    ] = None
    missing: Annotated[
        tuple[str, ...], Meta(description="Cells that count as missing, in addition to empty ones.")
    ] = ()
    dates: Annotated[
        dict[str, str],
        Meta(
            description="The format of dates that are text, by column, in strftime codes, where it is not ISO 8601.",
            examples=[{"sold": "%m/%d/%Y"}],
        ),
    ] = field(default_factory=dict)

    @classmethod
    def sniff(cls, path: Path, settings: dict[str, Any], notes: list[str]) -> None:
        """Which sheets there are."""
        from mlspec.sources import _workbook

        if "sheet" not in settings:
            notes += _workbook.several(path)

    def mistake(self) -> str:
        """Whether there can be such a sheet, and such dates."""
        wrong = "sheets are numbered from 1" if isinstance(self.sheet, int) and self.sheet < 1 else ""
        return wrong or _dates.mistakes(self.dates)

    def is_probed_apart(self, root: Path) -> bool:
        """A workbook is an archive that may unpack to any size."""
        return not self.is_fetched

    def head(self, path: Path) -> Schema:
        """The names in the header row with types from the first rows."""
        from mlspec.sources import _infer

        table, missing = self._table(path), frozenset({"", *self.missing})
        rows = _rows(table)
        found = _infer.columns(table.names, rows, missing, _infer.distinct(table.names, rows, missing))
        return self._placed({path.name: path}, _dates.stated(found, self.dates))

    def settled(self, root: Path, columns: Schema) -> Schema:
        """The columns with the types that all rows of all files have."""
        from mlspec.sources import _settle
        from mlspec.sources._header import Head

        files = self.files(root)
        first = self._table(next(iter(files.values())))
        if len(files) == 1 and first.rows.height <= _bounds.ROWS:
            return columns
        own = tuple(c for c in columns if c.name in first.names and c.name not in self.dates)
        table = Head(first.names, _rows(first), False, "", 0)
        frames = [self._text(path, own, name) for name, path in files.items()]
        found = {c.name: c for c in _settle.settled(frames, own, table, frozenset({"", *self.missing}))}
        settled = self._placed(files, tuple(found.get(c.name, c) for c in columns))
        return tuple(map(_settle.explained, settled, columns))

    def _placed(self, files: Mapping[str, Path], columns: Schema) -> Schema:
        """The columns with the rows of their odd cells."""

        def place(column: str, cell: str) -> str:
            for name, path in files.items():
                table = self._table(path)
                at = table.numbers.filter(table.rows[column] == cell).to_list() if column in table.names else []
                if at:
                    return f"row {at[0]} of {name}"
            return ""

        return tuple(
            replace(c, odd=tuple((cell, place(c.name, cell)) for cell, _place in c.odd)) if c.odd else c
            for c in columns
        )

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's cells in the first 1,000 rows."""
        table = self._table(path)
        if column not in table.names:
            return None
        cells = table.rows[column].head(_bounds.ROWS).drop_nulls().to_list()
        return tuple(cell for cell in cells if cell not in self.missing), table.rows.height <= _bounds.ROWS

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, cast; a value that does not match its type is reported with its row."""
        from mlspec.sources import _cast

        columns = tuple(replace(c, form=c.form or self.dates.get(c.name, "")) for c in columns)
        return _cast.from_text(self._text(path, columns, name), columns, name)

    def _text(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """These columns as text."""
        import polars as pl

        table = self._table(path)
        absent = next((c.name for c in columns if c.name not in table.names), None)
        if absent is not None:
            raise StepError(f"{name} has no column '{absent}' any more")
        rows = table.rows.lazy().select([c.name for c in columns])
        if self.missing:
            rows = rows.with_columns(pl.when(~pl.all().is_in(list(self.missing))).then(pl.all()).name.keep())
        return rows

    def _table(self, path: Path) -> "Table":
        from mlspec.sources import _workbook

        return _workbook.table(path, self.sheet, self.header, _workbook.state(path))


def _rows(table: "Table") -> list[list[str]]:
    """The first rows as those of a text file."""
    return [[cell or "" for cell in row] for row in table.rows.head(_bounds.ROWS).iter_rows()]
