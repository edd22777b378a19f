"""Tables on disk: Parquet whose bytes follow from its rows alone."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

ROW_GROUP = 262_144


def write(frame: "pl.LazyFrame | pl.DataFrame", path: Path) -> None:
    """Write rows in their order: streamed, row groups of a fixed length, so that equal rows give equal bytes."""
    frame.lazy().sink_parquet(
        path, compression="zstd", compression_level=1, row_group_size=ROW_GROUP, maintain_order=True, statistics=True
    )


def scan(path: Path) -> "pl.LazyFrame":
    """The rows of a table, lazily."""
    import polars as pl

    return pl.scan_parquet(path)
