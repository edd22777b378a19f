"""Arrow files."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mlspec.plugins.base import Schema
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl


class Arrow(FileSource, frozen=True, kw_only=True):
    """Arrow IPC (Feather v2) files; columns and types are read from the footer.

    Why: data engines exchange this format without conversion.

    Example:
        people: {path: data/people.arrow}
    """

    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".ipc", ".feather")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def is_probed_apart(self, root: Path) -> bool:
        """A damaged footer can crash the data engine, or ask it for any amount of memory."""
        return not self.is_fetched

    def head(self, path: Path) -> Schema:
        """The columns of the footer."""
        import polars as pl

        from mlspec.sources import _cast, _columnar

        return _cast.from_polars(pl.Schema(_columnar.asked(path, "an Arrow", pl.read_ipc_schema)))

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's values in the first 1,000 rows."""
        import polars as pl

        from mlspec.sources import _columnar

        if column not in _columnar.asked(path, "an Arrow", pl.read_ipc_schema):
            return None
        return _columnar.asked(path, "an Arrow", lambda file: _columnar.values(pl.scan_ipc(file), column))

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, cast."""
        import polars as pl

        from mlspec.sources import _cast

        return _cast.to_types(pl.scan_ipc(path, hive_partitioning=False), columns, name)
