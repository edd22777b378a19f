"""The logarithm of skewed numbers."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.onnxkit.forms import log1p
from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Transform

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph


class Log(Transform, frozen=True, kw_only=True):
    """log(1 + x) of a number, with the sign kept for negative numbers.

    Why: amounts and counts span orders of magnitude; linear models work better with their logarithm.

    Example:
        columns: {capital_gain: [log, scale: standard]}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def output(self, column: Column) -> Schema:
        """A number."""
        return (Column(column.name, "number", column.role),)

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The logarithm."""
        import polars as pl

        cell = pl.col(column.name).cast(pl.Float64)
        return [(self.output(column)[0], cell.sign() * cell.abs().log1p())]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""

        def made(cell: Any) -> tuple[Any]:
            if cell is None:
                return (None,)
            number = float(cell)
            return (math.copysign(math.log1p(abs(number)), number),)

        return self.output(column), made

    def to_onnx(self, column: Column, state: State, cells: str, graph: "Graph") -> tuple[Schema, tuple[str, ...]]:
        """As ``apply``."""
        sized = log1p(graph, graph.add("Abs", cells))
        return self.output(column), (graph.add("Mul", graph.add("Sign", cells), sized),)
