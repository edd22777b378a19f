"""Cut extreme numbers off."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Transform

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph

Quantile = Annotated[float, Meta(ge=0, le=1)]


class Clip(Transform, frozen=True, kw_only=True):
    """Limits numbers to a range: stated bounds, or quantiles of the training rows (winsorizing).

    Why: a few extreme values can dominate a mean, a scale or a linear fit.

    Example:
        numeric: [clip: {lower_quantile: 0.01, upper_quantile: 0.99}]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    lower: Annotated[float | None, Meta(description="The lowest number to keep.")] = None
    upper: Annotated[float | None, Meta(description="The highest number to keep.")] = None
    lower_quantile: Annotated[
        Quantile | None, Meta(description="The lower bound as a quantile of the training rows.")
    ] = None
    upper_quantile: Annotated[
        Quantile | None, Meta(description="The upper bound as a quantile of the training rows.")
    ] = None

    def output(self, column: Column) -> Schema:
        """A number."""
        return (Column(column.name, "number", column.role),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """The quantiles that are asked for."""
        import polars as pl

        cell = pl.col(column.name).cast(pl.Float64)
        asked = {"lower": self.lower_quantile, "upper": self.upper_quantile}
        return {name: cell.quantile(share, "linear") for name, share in asked.items() if share is not None}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"lower", "upper"}``, null where there is no end."""
        return {"lower": values.get("lower", self.lower), "upper": values.get("upper", self.upper)}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The column between its ends."""
        import polars as pl

        return [(self.output(column)[0], pl.col(column.name).cast(pl.Float64).clip(state["lower"], state["upper"]))]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        low = -math.inf if state["lower"] is None else float(state["lower"])
        high = math.inf if state["upper"] is None else float(state["upper"])

        def made(cell: Any) -> tuple[Any]:
            if cell is None:
                return (None,)
            number = float(cell)
            return (low if number < low else high if number > high else number,)

        return self.output(column), made

    def to_onnx(self, column: Column, state: State, cells: str, graph: "Graph") -> tuple[Schema, tuple[str, ...]]:
        """As ``apply``."""
        for name, op in (("lower", "Less"), ("upper", "Greater")):
            if state[name] is not None:
                end = graph.constant(float(state[name]))
                cells = graph.where(graph.add(op, cells, end), end, cells)
        return self.output(column), (cells,)
