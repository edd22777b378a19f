"""Multiples in the place of exact numbers."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Round(Anonymizer, frozen=True, kw_only=True):
    """Rounds numbers to multiples of a step.

    Why: an exact amount identifies a person to anyone who has another table with it.

    Example:
        amount: {kind: quasi_identifier, action: {round: 100}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "to"

    to: Annotated[float, Meta(description="Numbers are rounded to multiples of this.", gt=0)]

    def output(self, column: Column) -> Column:
        """A number; whole where numbers and step are."""
        whole = column.type == "integer" and float(self.to).is_integer()
        return column if whole else Column(column.name, "number", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The nearest multiple of each cell."""
        import polars as pl

        kind = pl.Int64 if self.output(column).type == "integer" else pl.Float64
        return ((pl.col(column.name).cast(pl.Float64) / self.to).round() * self.to).cast(kind)
