"""Ordered categories to numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Transform

if TYPE_CHECKING:
    import polars as pl


class Order(Transform, frozen=True, kw_only=True):
    """Converts a category to its position in a stated order: 0 for the first level, 1 for the next.

    A level that is not listed becomes missing: impute it for a model that does not accept missing values.

    Why: `low`, `medium`, `high` have an order that their names do not show; a number shows it to trees and linear
    models.

    Example:
        columns:
          size: [order: [small, medium, large]]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category"})
    shorthand: ClassVar[str] = "levels"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    by_level: ClassVar[bool] = True

    levels: Annotated[
        tuple[str, ...],
        Meta(description="The levels in order.", min_length=2, examples=[["small", "medium", "large"]]),
    ]

    def output(self, column: Column) -> Schema:
        """The column, as a number."""
        return (Column(column.name, "number", column.role),)

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The place in the order."""
        import polars as pl

        cell = pl.col(column.name).cast(pl.String)
        places = [float(place) for place in range(len(self.levels))]
        number = cell.replace_strict(list(self.levels), places, default=None, return_dtype=pl.Float64)
        return [(Column(column.name, "number", column.role), number)]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        places = {level: (float(place),) for place, level in enumerate(self.levels)}
        return self.output(column), lambda cell: places.get(cell, (None,))

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """Nothing is fitted: the order is stated."""
        return {}
