"""Leave a personal column as it is, knowingly."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Keep(Anonymizer, frozen=True, kw_only=True):
    """Keeps the column unchanged, for a reason that the report shows.

    Why: personal data should be kept by decision, not by oversight.

    Example:
        age: {kind: quasi_identifier, action: {keep: Risk grows with every year of age.}}
    """

    shorthand: ClassVar[str] = "reason"

    reason: Annotated[str, Meta(description="Why it is needed unchanged; the report shows it.", min_length=1)]

    def output(self, column: Column) -> Column:
        """The column."""
        return column

    def apply(self, column: Column) -> "pl.Expr":
        """The cells as they are."""
        import polars as pl

        return pl.col(column.name)
