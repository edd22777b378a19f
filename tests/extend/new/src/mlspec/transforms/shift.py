"""Move numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Transform

if TYPE_CHECKING:
    import polars as pl


class Shift(Transform, frozen=True, kw_only=True):
    """Adds a number.

    Why: a test.

    Example:
        numeric: [shift: 2]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "by"

    by: Annotated[float, Meta(description="What is added.")] = 1.0

    def output(self, column: Column) -> Schema:
        """A number."""
        return (Column(column.name, "number", column.role),)

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The sum."""
        import polars as pl

        return [(self.output(column)[0], pl.col(column.name) + self.by)]
