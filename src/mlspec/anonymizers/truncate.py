"""The beginning of a day's, week's, month's or year's time alone."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl

EVERY = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}


class Truncate(Anonymizer, frozen=True, kw_only=True):
    """Keeps only the day, week, month, quarter or year of a date or time, as its first day.

    Why: a date of birth with a postcode identifies most people; a year does not.

    Example:
        born: {kind: quasi_identifier, action: {truncate: year}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"date", "datetime"})
    shorthand: ClassVar[str] = "to"

    to: Annotated[Literal["day", "week", "month", "quarter", "year"], Meta(description="The precision to keep.")]

    def output(self, column: Column) -> Column:
        """A date."""
        return Column(column.name, "date", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The first day of the period that each cell is in."""
        import polars as pl

        return pl.col(column.name).cast(pl.Date).dt.truncate(EVERY[self.to])
