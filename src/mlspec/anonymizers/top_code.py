"""The ends of a number's range cut off."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class TopCode(Anonymizer, frozen=True, kw_only=True):
    """Replaces every number beyond a bound by the bound.

    Why: the few people with the highest values can be identified by that number alone.

    Example:
        income: {kind: sensitive, action: {top_code: 250000}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "at_most"

    at_most: Annotated[float, Meta(description="Greater numbers become this one.")]
    at_least: Annotated[float | None, Meta(description="Smaller numbers become this one.")] = None

    def mistake(self, column: Column) -> str:
        """Bounds that leave nothing between them."""
        return "at_least must be below at_most" if self.at_least is not None and self.at_least >= self.at_most else ""

    def output(self, column: Column) -> Column:
        """A number of the same type, unless a bound is none."""
        whole = all(bound is None or float(bound).is_integer() for bound in (self.at_least, self.at_most))
        return column if whole else Column(column.name, "number", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The cells between the bounds."""
        import polars as pl

        kind = pl.Int64 if self.output(column).type == "integer" else pl.Float64
        return pl.col(column.name).cast(pl.Float64).clip(self.at_least, self.at_most).cast(kind)
