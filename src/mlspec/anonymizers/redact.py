"""Text without what names people in it."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Redact(Anonymizer, frozen=True, kw_only=True):
    """Replaces every address, number and name with a title in a text by its kind in brackets.

    Why: texts are useful for learning, but people write their telephone numbers into them. Everything with the format
    of a card, account or identity number is replaced without checking its check digits, to be on the safe side. Names
    without a title are not found.

    Example:
        complaint: {kind: sensitive, action: redact}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category"})

    also: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(
            description="Regular expressions of other text to redact, such as customer numbers.",
            examples=[["C-[0-9]{6}"]],
        ),
    ] = ()

    def mistake(self, column: Column) -> str:
        """A regular expression that can't be read."""
        import re

        for pattern in self.also:
            try:
                re.compile(pattern)
            except re.error as error:
                return f"'{pattern}' is no regular expression: {error}"
            if re.search(r"\(\?(<?[=!]|P=)|\\[1-9]", pattern):
                return f"'{pattern}' looks around or back, which the engine's regular expressions can't"
        return ""

    def output(self, column: Column) -> Column:
        """Text."""
        return column

    def apply(self, column: Column) -> "pl.Expr":
        """Each cell with the kind in brackets where an identifier was."""
        import polars as pl

        from mlspec.anonymizers._identifiers import PATTERNS

        cell = pl.col(column.name)
        for kind, pattern in [*PATTERNS.items(), *(("redacted", pattern) for pattern in self.also)]:
            cell = cell.str.replace_all(pattern, f"[{kind}]")
        return cell
