"""Skewed numbers to about normal ones."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.onnxkit.forms import log1p
from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Transform
from mlspec.transforms.quantile import quantiles

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph

POINTS = 5000


class Power(Transform, frozen=True, kw_only=True):
    """Raises numbers to the power that makes them most normal (Yeo and Johnson 2000), chosen by likelihood over 5,000
    quantiles of the training rows, or all rows if there are fewer. Negative numbers are allowed; missing values stay
    missing.

    Why: incomes, prices and counts are skewed; linear models and networks learn more easily from symmetric values.

    Example:
        numeric: [impute: median, power, scale: standard]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    libraries: ClassVar[tuple[str, ...]] = ("polars", "scipy")

    def output(self, column: Column) -> Schema:
        """A number."""
        return (Column(column.name, "number", column.role),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """Quantiles to choose the power by."""
        return {"quantiles": quantiles(column.name, POINTS)}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"power"}``; 1, which leaves numbers as they are, where they do not vary."""
        import numpy as np
        from scipy import stats

        found = np.asarray(values["quantiles"] or [0.0], dtype=np.float64)
        if found.min() == found.max():
            return {"power": 1.0}
        power = float(stats.yeojohnson_normmax(found))
        # Eight digits are more than the rows determine, and are the same on every machine.
        return {"power": round(power, 8)}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The transformed column."""
        import polars as pl

        power = state["power"]
        cell = pl.col(column.name).cast(pl.Float64)
        above, below = cell.clip(lower_bound=0.0), (-cell).clip(lower_bound=0.0)
        high = above.log1p() if power == 0 else ((above + 1).pow(power) - 1) / power
        low = below.log1p() if power == 2 else ((below + 1).pow(2 - power) - 1) / (2 - power)
        return [(self.output(column)[0], pl.when(cell >= 0).then(high).otherwise(-low))]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        power = float(state["power"])

        def made(cell: Any) -> tuple[Any]:
            if cell is None:
                return (None,)
            number = float(cell)
            if number >= 0:
                return (_raised(number, power),)
            return (-_raised(-number, 2 - power),)

        return self.output(column), made

    def to_onnx(self, column: Column, state: State, cells: str, graph: "Graph") -> tuple[Schema, tuple[str, ...]]:
        """As ``apply``."""
        power = float(state["power"])
        high, low = (
            _nodes(graph, graph.where(graph.add("Greater", one, graph.constant(0.0)), one, graph.constant(0.0)), of)
            for one, of in ((cells, power), (graph.add("Neg", cells), 2 - power))
        )
        made = graph.where(graph.add("GreaterOrEqual", cells, graph.constant(0.0)), high, graph.add("Neg", low))
        return self.output(column), (graph.where(graph.add("IsNaN", cells), cells, made),)


def _raised(number: float, power: float) -> float:
    """A number of at least 0 to this power."""
    if power == 0:
        return math.log1p(number)
    above = number + 1
    if power in (2, 3):  # as a column is: by multiplying
        raised = above * above if power == 2 else above * above * above
    else:
        try:
            raised = above**power
        except OverflowError:
            raised = math.inf
    return float((raised - 1) * (1 / power))


def _nodes(graph: "Graph", cells: str, power: float) -> str:
    """The same of a column."""
    if power == 0:
        return log1p(graph, cells)
    raised = graph.add("Pow", graph.chain(cells, ("Add", 1.0)), graph.constant(power))
    return graph.chain(raised, ("Sub", 1.0), ("Mul", 1 / power))
