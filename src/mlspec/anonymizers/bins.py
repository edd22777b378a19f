"""Ranges in the place of numbers."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Column

if TYPE_CHECKING:
    import polars as pl


class Bins(Anonymizer, frozen=True, kw_only=True):
    """Replaces a number by its range between the stated edges; values below the first and above the last have ranges
    too.

    Why: a range shared by many people is enough to learn from and too little to identify one of them.

    Example:
        age: {kind: quasi_identifier, action: {bins: [18, 30, 45, 65]}}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"integer", "number"})
    shorthand: ClassVar[str] = "edges"

    edges: Annotated[
        tuple[float, ...], Meta(description="The boundaries between ranges, in ascending order.", min_length=1)
    ]

    def mistake(self, column: Column) -> str:
        """Edges that don't rise."""
        rises = all(low < high for low, high in pairwise(self.edges))
        return "" if rises else "write the edges in rising order, each once"

    def output(self, column: Column) -> Column:
        """A category with the ranges as levels."""
        return Column(column.name, "category", column.role)

    def apply(self, column: Column) -> "pl.Expr":
        """The range of each cell, as ``18 to 30``; its lower end belongs to it."""
        import polars as pl

        cell, labels = pl.col(column.name), _labels(self.edges)
        range_of: pl.Expr = pl.when(cell.is_not_null()).then(pl.lit(labels[0]))
        for edge, label in zip(self.edges, labels[1:], strict=True):
            range_of = pl.when(cell >= edge).then(pl.lit(label)).otherwise(range_of)
        return range_of


def _labels(edges: Sequence[float]) -> list[str]:
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g}", *between, f"{edges[-1]:g} or more"]
