"""A pseudonym in the place of each value."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Hash(Anonymizer, frozen=True, kw_only=True):
    """Replaces each value by a pseudonym: 128 bits of an HMAC-SHA-256 (RFC 2104) with a key from the environment.

    Equal values get equal pseudonyms, so rows can still be grouped, split and joined by them. The key is read in the
    process that needs it and stored nowhere: without it, the pseudonyms of guessed values cannot be computed, unlike
    those of a plain hash. Another key gives other pseudonyms.

    Why: most splits and joins need to know which rows belong to the same person, not who it is.

    Example:
        customer: {kind: direct_identifier, action: {hash: CUSTOMER_KEY}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category", "integer"})
    shorthand: ClassVar[str] = "key"

    key: Annotated[
        str,
        Meta(
            description="The name of the environment variable with the key, of at least 16 characters.",
            pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        ),
    ]

    def secret(self) -> str:
        """The variable."""
        return self.key

    def output(self, column: Column) -> Column:
        """Text."""
        return Column(column.name, "category", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """32 hexadecimal digits a cell. Raises StepError where the key is not set or too short."""
        import hashlib
        import hmac
        import os

        import polars as pl

        from mlspec.diagnostics import StepError

        key = os.environ.get(self.key, "")
        if len(key) < 16:
            what = "is not set" if not key else "is shorter than 16 characters"
            raise StepError(f"the key of column '{column.name}' is to be read from ${self.key}, which {what}")
        begun = hmac.new(key.encode(), digestmod=hashlib.sha256)

        def pseudonym(value: str) -> str:
            own = begun.copy()
            own.update(value.encode())
            return own.hexdigest()[:32]

        def all_of(cells: pl.Series) -> pl.Series:
            levels = cells.unique().drop_nulls()
            made = pl.Series([pseudonym(value) for value in levels], dtype=pl.String)
            return cells.replace_strict(levels, made, default=None, return_dtype=pl.String)

        cell = pl.col(column.name).cast(pl.String)
        return cell.map_batches(all_of, return_dtype=pl.String, is_elementwise=True)
