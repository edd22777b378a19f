"""Fill missing values."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Merging, Transform

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph


class Impute(Transform, frozen=True, kw_only=True):
    """Fills missing values with a value computed from the training rows, or a stated one.

    Why: most estimators do not accept missing values; those that do (hist_gradient_boosting) work better without this.

    Example:
        numeric: [impute: median]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number", "boolean", "category"})
    shorthand: ClassVar[str] = "strategy"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)
    by_level: ClassVar[bool] = True

    strategy: Annotated[
        Literal["median", "mean", "most_frequent", "constant"], Meta(description="What replaces a missing value.")
    ] = "median"
    value: Annotated[str | int | float | None, Meta(description="The value of strategy `constant`.")] = None

    def output(self, column: Column) -> Schema:
        """The same column; a number where a mean or median may be one."""
        widened = column.type == "integer" and self.strategy in ("median", "mean", "constant")
        return (Column(column.name, "number" if widened else column.type, column.role, column.levels, column.width),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """The value to fill with."""
        import polars as pl

        cell = pl.col(column.name)
        if self.strategy == "constant":
            return {}
        if self._strategy(column) == "most_frequent":
            # The smallest of the most frequent values, so that ties do not depend on the order of rows.
            return {"value": cell.drop_nulls().mode().sort().first()}
        return {"value": cell.median() if self.strategy == "median" else cell.mean()}

    def merging(self, column: Column) -> Mapping[str, Merging]:
        """A mean, and the most frequent value of a category or boolean; other values need the whole column."""
        import polars as pl

        cell = pl.col(column.name)
        if column.type in ("category", "boolean"):
            return {"value": Merging("mode", cell)} if self.strategy != "constant" else {}
        return {"value": Merging("mean", cell)} if self.strategy == "mean" else {}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"value": ...}``; where every training row is missing, 0 or the empty text."""
        value = self.value if self.strategy == "constant" else values["value"]
        if value is None:
            value = "" if column.type == "category" else 0
        if column.type == "category":
            value = str(value)
        return {"value": value}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The column with its gaps filled."""
        import polars as pl

        (after,) = self.output(column)
        cell = pl.col(column.name)
        if after.type == "number":
            cell = cell.cast(pl.Float64)
        return [(after, cell.fill_null(pl.lit(state["value"])))]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells] | None:
        """As ``apply``, where the value is of the column's type."""
        (after,) = self.output(column)
        value = state["value"]
        kinds = {"category": (str,), "boolean": (bool,), "integer": (int,), "number": (int, float)}
        if type(value) not in kinds[after.type]:
            return None
        if after.type == "number":
            value = float(value)
            return (after,), lambda cell: (value if cell is None else float(cell),)
        return (after,), lambda cell: (value if cell is None else cell,)

    def to_onnx(
        self, column: Column, state: State, cells: str, graph: "Graph"
    ) -> tuple[Schema, tuple[str, ...]] | None:
        """As ``apply``."""
        (after,) = self.output(column)
        value = state["value"]
        if after.type not in ("integer", "number") or type(value) not in (int, float):
            return None
        return (after,), (graph.where(graph.add("IsNaN", cells), graph.constant(float(value)), cells),)

    def _strategy(self, column: Column) -> str:
        return "most_frequent" if column.type in ("category", "boolean") else self.strategy
