"""Cover text up but for its end."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Mask(Anonymizer, frozen=True, kw_only=True):
    """Replaces every character except the last few by asterisks.

    Why: people recognise a card or account number by its end, which says little to others.

    Example:
        card: {kind: direct_identifier, action: {mask: 4}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category", "integer"})
    shorthand: ClassVar[str] = "show"

    show: Annotated[int, Meta(description="The number of characters at the end that stay readable.", ge=0, le=8)] = 0

    def output(self, column: Column) -> Column:
        """Text."""
        return Column(column.name, "category", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """Four stars, whatever the length, and the end; cells too short to cover half of show nothing."""
        import polars as pl

        cell = pl.col(column.name).cast(pl.String)
        if not self.show:
            return pl.when(cell.is_not_null()).then(pl.lit("****")).alias(column.name)
        end = pl.when(cell.str.len_chars() >= 2 * self.show).then(cell.str.tail(self.show)).otherwise(pl.lit(""))
        return pl.when(cell.is_not_null()).then(pl.lit("****") + end).alias(column.name)
