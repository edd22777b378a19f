"""Arrow files."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mlspec.plugin import Schema
from mlspec.sources._files import FileSource

if TYPE_CHECKING:
    import polars as pl


class Arrow(FileSource, frozen=True, kw_only=True):
    """Arrow IPC (Feather v2) files; columns and types are read from the footer.

    Why: what data engines hand each other without conversion.

    Example:
        people: {path: data/people.arrow}
    """

    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".ipc", ".feather")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def head(self, path: Path) -> Schema:
        """The columns of the footer."""
        import polars as pl

        from mlspec.sources import _cast

        with path.open("rb"):  # an OSError tells more than the engine would
            try:
                return _cast.from_polars(pl.Schema(pl.read_ipc_schema(path)))
            except (pl.exceptions.PolarsError, OSError) as error:
                raise ValueError(f"not an Arrow file: {str(error).splitlines()[0]}") from None

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's values in the first 1,000 rows."""
        import polars as pl

        if column not in pl.read_ipc_schema(path):
            return None
        head = pl.scan_ipc(path).select(pl.col(column).cast(pl.String)).head(1_001).collect()
        return tuple(head[column][:1_000].drop_nulls().to_list()), head.height <= 1_000

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, cast."""
        import polars as pl

        from mlspec.sources import _cast

        return _cast.to_types(pl.scan_ipc(path, hive_partitioning=False), columns, name)
