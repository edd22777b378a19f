"""Bring numbers to a common scale."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Merging, Transform

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph


class Scale(Transform, frozen=True, kw_only=True):
    """Shifts and scales numbers by statistics of the training rows; missing values stay missing.

    Why: linear models and networks are sensitive to the scale of a column.

    Example:
        numeric: [scale: standard]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "method"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    method: Annotated[
        Literal["standard", "minmax", "robust"],
        Meta(
            description="standard: mean 0 and standard deviation 1; minmax: 0 to 1; robust: median 0 and "
            "interquartile range 1."
        ),
    ] = "standard"

    def output(self, column: Column) -> Schema:
        """A number."""
        return (Column(column.name, "number", column.role),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """Centre and width."""
        import polars as pl

        cell = pl.col(column.name).cast(pl.Float64)
        if self.method == "standard":
            return {"center": cell.mean(), "width": cell.std(ddof=0)}
        if self.method == "minmax":
            return {"center": cell.min(), "high": cell.max()}
        return {"center": cell.median(), "low": cell.quantile(0.25, "linear"), "high": cell.quantile(0.75, "linear")}

    def merging(self, column: Column) -> Mapping[str, Merging]:
        """Means, deviations and ends; quantiles need the whole column."""
        import polars as pl

        cell = pl.col(column.name).cast(pl.Float64)
        if self.method == "standard":
            return {"center": Merging("mean", cell), "width": Merging("deviation", cell)}
        return {"center": Merging("min", cell), "high": Merging("max", cell)} if self.method == "minmax" else {}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"center", "width"}``; a width of nothing is 1."""
        center = values["center"] or 0.0
        if self.method == "standard":
            width = values["width"]
        else:
            low = values["center"] if self.method == "minmax" else values["low"]
            width = None if low is None else values["high"] - low
        return {"center": float(center), "width": float(width) if width else 1.0}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The scaled column."""
        import polars as pl

        scaled = (pl.col(column.name).cast(pl.Float64) - state["center"]) / state["width"]
        return [(self.output(column)[0], scaled)]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        # A column is divided by multiplying with the reciprocal.
        center, share = float(state["center"]), 1 / float(state["width"])
        return self.output(column), lambda cell: (None if cell is None else (float(cell) - center) * share,)

    def to_onnx(self, column: Column, state: State, cells: str, graph: "Graph") -> tuple[Schema, tuple[str, ...]]:
        """As ``apply``."""
        return self.output(column), (graph.chain(cells, ("Sub", state["center"]), ("Mul", 1 / float(state["width"]))),)
