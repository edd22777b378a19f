"""Categories to numbers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Merging, Transform

if TYPE_CHECKING:
    import polars as pl


class Encode(Transform, frozen=True, kw_only=True):
    """Converts a category to numbers: a column of zeros and ones for each level, or one column of codes.

    A level that is not in the training rows is all zeros, or code 0, like a missing one.

    Why: estimators need numbers; `ordinal` suits trees and embeddings, `one_hot` linear models.

    Example:
        category: [impute: most_frequent, encode: one_hot]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category", "boolean"})
    shorthand: ClassVar[str] = "method"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    by_level: ClassVar[bool] = True

    method: Annotated[
        Literal["one_hot", "ordinal"],
        Meta(description="one_hot: a column for each level; ordinal: one column of codes, for models that take codes."),
    ] = "one_hot"

    def output(self, column: Column) -> Schema:
        """Columns, whose number is known after fitting, or one of codes."""
        if self.method == "ordinal":
            return (Column(column.name, "code", column.role),)
        return (Column(column.name, "number", column.role, None, None),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """The levels, sorted."""
        import polars as pl

        return {"levels": pl.col(column.name).cast(pl.String).drop_nulls().unique().sort().implode()}

    def merging(self, column: Column) -> Mapping[str, Merging]:
        """The levels of all parts."""
        import polars as pl

        return {"levels": Merging("levels", pl.col(column.name).cast(pl.String))}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"levels": [...]}``."""
        return {"levels": list(values["levels"])}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """``NAME=LEVEL`` columns, or the column of codes."""
        import polars as pl

        cell, levels = pl.col(column.name).cast(pl.String), state["levels"]
        if self.method == "one_hot":
            return [
                (
                    Column(f"{column.name}={level}", "number", column.role),
                    cell.eq_missing(pl.lit(level)).cast(pl.Float32),
                )
                for level in levels
            ]
        code = pl.lit(0, dtype=pl.Int32)
        if levels:
            code = cell.replace_strict(levels, list(range(1, len(levels) + 1)), default=0, return_dtype=pl.Int32)
        return [(Column(column.name, "code", column.role, len(levels) + 1), code)]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``; a boolean is its name in lower case."""
        columns = tuple(made for made, _expression in self.apply(column, state))
        levels = state["levels"]
        if self.method == "one_hot":
            known = {level: tuple(float(one == level) for one in levels) for level in levels}
            none: tuple[float, ...] = (0.0,) * len(levels)
        else:
            known, none = {level: (code,) for code, level in enumerate(levels, 1)}, (0,)
        if column.type == "boolean":
            known |= {flag: known[str(flag).lower()] for flag in (True, False) if str(flag).lower() in known}
        return columns, lambda cell: known.get(cell, none)
