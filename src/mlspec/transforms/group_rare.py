"""Put rare categories together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Merging, Transform

if TYPE_CHECKING:
    import polars as pl

OTHER = "(other)"


class GroupRare(Transform, frozen=True, kw_only=True):
    """Keeps the frequent levels of a category and replaces all others by `(other)`; missing values stay missing.

    Why: rare levels add noise, and thousands of levels make wide tables.

    Example:
        category: [group_rare: {min_count: 20}, encode: one_hot]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category"})
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    by_level: ClassVar[bool] = True

    min_count: Annotated[int, Meta(description="A level with fewer training rows is rare.", ge=1)] = 1
    max_levels: Annotated[
        Annotated[int, Meta(ge=2)] | None,
        Meta(description="The maximum number of levels, `(other)` included; the most frequent are kept."),
    ] = None

    def output(self, column: Column) -> Schema:
        """The same column."""
        return (column,)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """How often each level occurs."""
        import polars as pl

        return {"counts": pl.col(column.name).drop_nulls().alias("level").value_counts().implode()}

    def merging(self, column: Column) -> Mapping[str, Merging]:
        """The counts of all parts, added up."""
        import polars as pl

        return {"counts": Merging("counts", pl.col(column.name), ("level", "count"))}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"keep": [...] or null}``: null where nothing is rare, so that unknown levels stay unknown."""
        counts = sorted((-row["count"], row["level"]) for row in values["counts"])
        keep = [level for count, level in counts if -count >= self.min_count]
        if self.max_levels is not None and (len(keep) > self.max_levels or len(keep) < len(counts)):
            keep = keep[: self.max_levels - 1]
        return {"keep": sorted(keep) if len(keep) < len(counts) else None}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The column with its rare levels under one name."""
        import polars as pl

        cell = pl.col(column.name)
        if state["keep"] is None:
            return [(column, cell)]
        kept = pl.lit(pl.Series(state["keep"], dtype=pl.String)).implode()
        return [(column, pl.when(cell.is_null() | cell.is_in(kept)).then(cell).otherwise(pl.lit(OTHER)))]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        if state["keep"] is None:
            return (column,), lambda cell: (cell,)
        kept = {None, *state["keep"]}
        return (column,), lambda cell: (cell if cell in kept else OTHER,)
