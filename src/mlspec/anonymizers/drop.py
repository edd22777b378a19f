"""Leave a personal column out."""

from typing import TYPE_CHECKING

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Drop(Anonymizer, frozen=True, kw_only=True):
    """Never reads the column.

    Why: data that is not read cannot leak.

    Example:
        email: {kind: direct_identifier, action: drop}
    """

    def output(self, column: Column) -> None:
        """Nothing is left of it."""

    def apply(self, column: Column) -> "pl.Expr":
        """Nothing but missing cells."""
        import polars as pl

        return pl.lit(None).alias(column.name)
