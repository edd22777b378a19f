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

    version: ClassVar[int] = 2
    suffixes: ClassVar[tuple[str, ...]] = (".arrow", ".ipc", ".feather")
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    not_features: ClassVar[tuple[str, ...]] = ("__index_level_0__",)  # the index that pandas writes
    nests: ClassVar[bool] = True

    def is_probed_apart(self, root: Path) -> bool:
        """A damaged footer can crash the data engine, or ask it for any amount of memory."""
        return not self.is_fetched

    def head(self, path: Path) -> Schema:
        """The columns of the footer; of lists and binary data also from the first cells."""
        from mlspec.sources import _columnar

        return _columnar.asked(path, "an Arrow", lambda file: _columnar.columns(_scan(file), file))

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """The column's values in the first 1,000 rows."""
        from mlspec.sources import _columnar

        return _columnar.asked(path, "an Arrow", lambda file: _columnar.values(_scan(file), column))

    def settled(self, root: Path, columns: Schema) -> Schema:
        """Lists have one width in all rows, and all integers are held by their type."""
        from mlspec.sources import _columnar

        files = self.files(root).values()
        every = [_columnar.asked(path, "an Arrow", lambda file: _columnar.whole(_scan(file))) for path in files]
        return _columnar.together(every) + self.of_folders(root, columns)

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows, cast."""
        from mlspec.sources import _cast

        return _cast.to_types(_scan(path), columns, name)


def _scan(file: Path) -> "pl.LazyFrame":
    import polars as pl

    return pl.scan_ipc(file, hive_partitioning=False)
