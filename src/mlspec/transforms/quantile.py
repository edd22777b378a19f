"""Numbers to their place among the training rows."""

import bisect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Transform

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph


class Quantile(Transform, frozen=True, kw_only=True):
    """Maps a number to its quantile among the training rows, uniformly or normally distributed; linear between the
    computed quantiles, constant beyond them. Missing values stay missing.

    Why: a linear model or a network gets numbers with the same distribution and without outliers, whatever the column's
    distribution.

    Example:
        numeric: [quantile: normal, impute: median]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "shape"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    shape: Annotated[
        Literal["uniform", "normal"], Meta(description="uniform: from 0 to 1; normal: mean 0 and standard deviation 1.")
    ] = "normal"
    points: Annotated[int, Meta(description="The number of quantiles to compute.", ge=2, le=10_000)] = 1000

    def output(self, column: Column) -> Schema:
        """A number."""
        return (Column(column.name, "number", column.role),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """The quantiles."""
        return {"quantiles": quantiles(column.name, self.points)}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"edges", "places"}``: distinct quantiles, and where they are mapped to."""
        from statistics import NormalDist

        found = values["quantiles"] or [0.0]
        last = max(len(found) - 1, 1)
        ranks: dict[float, list[int]] = {}
        for rank, value in enumerate(found):
            ranks.setdefault(value, []).append(rank)
        # Where many rows share a value, that is the middle of their places.
        places = [(own[0] + own[-1]) / 2 / last for own in ranks.values()]
        if self.shape == "normal":
            # As far out as scikit-learn's transformer goes.
            places = [NormalDist().inv_cdf(min(max(place, 1e-7), 1 - 1e-7)) for place in places]
        return {"edges": list(ranks), "places": places}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The mapped column."""
        import polars as pl

        edges, places = state["edges"], state["places"]
        cell = pl.col(column.name).cast(pl.Float64).clip(edges[0], edges[-1])
        if len(edges) == 1:
            return [(self.output(column)[0], pl.when(cell.is_not_null()).then(pl.lit(places[0])))]
        right = pl.lit(pl.Series(edges)).search_sorted(cell, side="right").cast(pl.Int64).clip(1, len(edges) - 1)
        low, high = (pl.lit(pl.Series(edges)).gather(right - one) for one in (1, 0))
        from_, to = (pl.lit(pl.Series(places)).gather(right - one) for one in (1, 0))
        mapped = from_ + (to - from_) * ((cell - low) / (high - low))
        return [(self.output(column)[0], pl.when(cell.is_not_null()).then(mapped))]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        edges, places = [float(edge) for edge in state["edges"]], [float(place) for place in state["places"]]
        last = len(edges) - 1

        def made(cell: Any) -> tuple[Any]:
            if cell is None:
                return (None,)
            if not last:
                return (places[0],)
            number = min(max(float(cell), edges[0]), edges[-1])
            right = min(max(bisect.bisect_right(edges, number), 1), last)
            low, high, from_, to = edges[right - 1], edges[right], places[right - 1], places[right]
            return (from_ + (to - from_) * ((number - low) / (high - low)),)

        return self.output(column), made

    def to_onnx(self, column: Column, state: State, cells: str, graph: "Graph") -> tuple[Schema, tuple[str, ...]]:
        """As ``apply``."""
        edges, places = [float(edge) for edge in state["edges"]], [float(place) for place in state["places"]]
        if len(edges) == 1:
            return self.output(column), (graph.where(graph.add("IsNaN", cells), cells, graph.constant(places[0])),)
        inside = cells
        for op, end in (("Less", edges[0]), ("Greater", edges[-1])):
            inside = graph.where(graph.add(op, inside, graph.constant(end)), graph.constant(end), inside)
        return self.output(column), (graph.between(inside, edges, places),)


def quantiles(name: str, points: int) -> "pl.Expr":
    """Evenly spread values of a sorted column, all of them where there are fewer: one list."""
    import polars as pl

    known = pl.col(name).cast(pl.Float64).drop_nulls().drop_nans().sort()
    count = pl.min_horizontal(known.len(), pl.lit(points)).cast(pl.Int64)
    step = (known.len() - 1) / pl.max_horizontal(count - 1, pl.lit(1))
    return known.gather((pl.int_range(count) * step).round().cast(pl.UInt32)).implode()
