"""Text with bars."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mlspec.plugins.base import Column, Schema
from mlspec.sources import FileSource

if TYPE_CHECKING:
    import polars as pl


class Pipes(FileSource, frozen=True, kw_only=True):
    """Numbers between bars.

    Why: a test.

    Example:
        rows: {path: rows.pipes}
    """

    suffixes: ClassVar[tuple[str, ...]] = (".pipes",)

    def head(self, path: Path) -> Schema:
        """The names of the first line."""
        names = path.read_text().splitlines()[0].split("|")
        return tuple(Column(name, "category" if name == "kind" else "number") for name in names)

    def head_values(self, path: Path, column: str) -> tuple[tuple[str, ...], bool] | None:
        """All of them."""
        rows = [line.split("|") for line in path.read_text().splitlines()]
        return tuple(row[rows[0].index(column)] for row in rows[1:]), True

    def read(self, path: Path, columns: Schema, name: str) -> "pl.LazyFrame":
        """All rows."""
        import polars as pl

        frame = pl.read_csv(path, separator="|", infer_schema=False)
        return frame.select(
            pl.col(c.name).cast(pl.String if c.type == "category" else pl.Float64) for c in columns
        ).lazy()
