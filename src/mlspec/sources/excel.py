"""Workbooks of spreadsheets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Schema
from mlspec.sources import _bounds
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

    @classmethod
    def sniff(cls, path: Path, settings: dict[str, Any], notes: list[str]) -> None:
        """Which sheets there are."""
        from mlspec.sources import _workbook

        if "sheet" not in settings:
            notes += _workbook.several(path)

    def mistake(self) -> str:
        """Whether there can be such a sheet."""
        return "sheets are numbered from 1" if isinstance(self.sheet, int) and self.sheet < 1 else ""

    def is_probed_apart(self, root: Path) -> bool:
        """A workbook is an archive that may unpack to any size."""
        return not self.is_fetched

    def head(self, path: Path) -> Schema:
        """The names in the header row with types from the first rows."""
        from mlspec.sources import _infer

        table = self._table(path)
        rows = [[cell or "" for cell in row] for row in table.rows.head(_bounds.ROWS).iter_rows()]
        return _infer.columns(table.names, rows, frozenset({"", *self.missing}))

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's cells in the first 1,000 rows."""
        table = self._table(path)
        if column not in table.names:
            return None
        cells = table.rows[column].head(_bounds.ROWS).drop_nulls().to_list()
        return tuple(cell for cell in cells if cell not in self.missing), table.rows.height <= _bounds.ROWS

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, cast; a value that does not match its type is reported with its row."""
        import polars as pl

        from mlspec.sources import _cast

        table = self._table(path)
        absent = next((c.name for c in columns if c.name not in table.names), None)
        if absent is not None:
            raise StepError(f"{name} has no column '{absent}' any more")
        rows = table.rows.lazy().select([c.name for c in columns])
        if self.missing:
            rows = rows.with_columns(pl.when(~pl.all().is_in(list(self.missing))).then(pl.all()).name.keep())
        return _cast.from_text(rows, columns, name)

    def _table(self, path: Path) -> "Table":
        from mlspec.sources import _workbook

        return _workbook.table(path, self.sheet, self.header, _workbook.state(path))
