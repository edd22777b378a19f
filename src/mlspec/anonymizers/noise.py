"""Random amounts added to numbers."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Noise(Anonymizer, frozen=True, kw_only=True):
    """Adds a random amount from a Laplace distribution to each number of the data; new rows for prediction are not
    changed.

    For numbers that differ by at most ``d`` between two people, each cell is differentially private with an epsilon of
    ``d / scale`` (Dwork et al. 2006).

    Why: the exact number of a person cannot be known from the data, but means and distributions are kept.

    Example:
        salary: {kind: sensitive, action: {noise: 2000}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "scale"

    scale: Annotated[float, Meta(description="The mean absolute value of the noise.", gt=0)]
    seed: Annotated[int, Meta(description="The seed of the noise.", ge=0)] = 0

    def output(self, column: Column) -> Column:
        """A number."""
        return Column(column.name, "number", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The cells with noise, drawn separately for each column."""
        import zlib

        import numpy as np
        import polars as pl

        def noisy(cells: pl.Series) -> pl.Series:
            random = np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(column.name.encode())]))
            return cells + pl.Series(random.laplace(0.0, self.scale, len(cells)))

        return pl.col(column.name).cast(pl.Float64).map_batches(noisy, return_dtype=pl.Float64)

    def apply_new(self, column: Column) -> "pl.Expr":
        """The cells as they are, as numbers."""
        import polars as pl

        return pl.col(column.name).cast(pl.Float64)
