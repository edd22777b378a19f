"""The beginning of text alone."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Prefix(Anonymizer, frozen=True, kw_only=True):
    """Keeps the first characters of text or of an integer.

    Why: the beginning of a postcode, a telephone number or a diagnosis code identifies a region or a family, not a
    person.

    Example:
        postcode: {kind: quasi_identifier, action: {prefix: 3}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category", "integer"})
    shorthand: ClassVar[str] = "length"

    length: Annotated[int, Meta(description="The number of characters to keep.", ge=1)]

    def output(self, column: Column) -> Column:
        """Text."""
        return Column(column.name, "category", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The first characters of each cell."""
        import polars as pl

        return pl.col(column.name).cast(pl.String).str.head(self.length)
