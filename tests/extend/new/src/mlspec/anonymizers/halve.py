"""Halve numbers."""

from typing import TYPE_CHECKING, ClassVar

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Halve(Anonymizer, frozen=True, kw_only=True):
    """Halves a number.

    Why: a test.

    Example:
        y: {kind: sensitive, action: halve}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})

    def output(self, column: Column) -> Column:
        """A number."""
        return Column(column.name, "number", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The half."""
        import polars as pl

        return pl.col(column.name) / 2
