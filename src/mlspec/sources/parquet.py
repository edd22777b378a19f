"""Parquet files."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mlspec.plugins.base import Schema
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl


class Parquet(FileSource, frozen=True, kw_only=True):
    """Parquet files; columns and types are read from the footer.

    Why: typed, compressed and fast to read in part: the best format for large data.

    Example:
        people: {path: data/people.parquet}
    """

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def is_probed_apart(self, root: Path) -> bool:
        """A damaged footer can crash the data engine, or ask it for any amount of memory."""
        return not self.is_fetched

    def head(self, path: Path) -> Schema:
        """The columns of the footer."""
        import polars as pl

        from mlspec.sources import _cast, _columnar

        return _cast.from_polars(pl.Schema(_columnar.asked(path, "a Parquet", pl.read_parquet_schema)))

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's values in the first 1,000 rows."""
        import polars as pl

        from mlspec.sources import _columnar

        if column not in _columnar.asked(path, "a Parquet", pl.read_parquet_schema):
            return None
        return _columnar.asked(
            path, "a Parquet", lambda file: _columnar.values(pl.scan_parquet(file, glob=False), column)
        )

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, cast."""
        import polars as pl

        from mlspec.sources import _cast

        return _cast.to_types(pl.scan_parquet(path, hive_partitioning=False, glob=False), columns, name)
