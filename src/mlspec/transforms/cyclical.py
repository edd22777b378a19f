"""What comes round again, as points on a circle."""

import calendar
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.onnxkit.calendar import Calendar, turned
from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Transform

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph

Cycle = Literal["day", "week", "month", "year"]


class Cyclical(Transform, frozen=True, kw_only=True):
    """Converts a date, or a periodic number, to the sine and cosine of its phase: two columns per cycle, named
    `COLUMN.CYCLE.sin` and `COLUMN.CYCLE.cos`.

    Why: December is as close to January as to November, which a number from 1 to 12 does not show.

    Example:
        date: [cyclical: [week, year]]
        columns: {wind_direction: [cyclical: {period: 360}]}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"date", "datetime", "integer", "number"})
    shorthand: ClassVar[str] = "cycles"
    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    cycles: Annotated[tuple[Cycle, ...], Meta(description="The cycles of a date.", min_length=1)] = ("week", "year")
    period: Annotated[Annotated[float, Meta(gt=0)] | None, Meta(description="The period of a number.")] = None

    def mistake(self, column: Column) -> str:
        """A number needs its period."""
        if self.period is None and column.type not in ("date", "datetime"):
            return "a number comes round again after a period: add period"
        return ""

    def output(self, column: Column) -> Schema:
        """Two numbers a cycle."""
        dated = column.type in ("date", "datetime")
        names = [f"{column.name}.{cycle}" for cycle in self.cycles] if dated else [column.name]
        return tuple(Column(f"{name}.{part}", "number", column.role) for name in names for part in ("sin", "cos"))

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """Sine and cosine."""
        import polars as pl

        cell = pl.col(column.name)
        if column.type in ("date", "datetime"):
            when = cell.cast(pl.Datetime("us"))
            day = (
                when.dt.hour().cast(pl.Int32) * 3600 + when.dt.minute().cast(pl.Int32) * 60 + when.dt.second()
            ) / 86_400
            shares = {
                "day": day,
                "week": (when.dt.weekday() - 1 + day) / 7,
                "month": (when.dt.day() - 1 + day) / when.dt.month_end().dt.day(),
                "year": (when.dt.ordinal_day() - 1 + day) / 365.25,
            }
            places = [shares[cycle] for cycle in self.cycles]
        else:
            places = [cell.cast(pl.Float64) / (self.period or 1.0)]
        turned = [part for place in places for part in ((place * math.tau).sin(), (place * math.tau).cos())]
        return list(zip(self.output(column), turned, strict=True))

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        dated = column.type in ("date", "datetime")
        cycles, share = self.cycles if dated else (), 1 / (self.period or 1.0)
        missing = (None,) * len(self.output(column))

        def made(cell: Any) -> tuple[Any, ...]:
            if cell is None:
                return missing
            places = [_place(cell, cycle) for cycle in cycles] if dated else [float(cell) * share]
            return tuple([part for place in places for part in _turned(place * math.tau)])

        return self.output(column), made

    def to_onnx(self, column: Column, state: State, cells: str, graph: "Graph") -> tuple[Schema, tuple[str, ...]]:
        """As ``apply``."""
        if column.type not in ("date", "datetime"):
            return self.output(column), turned(graph, graph.chain(cells, ("Mul", 1 / (self.period or 1.0))))
        when = Calendar(graph, cells, timed=column.type == "datetime")

        def after(whole: str) -> str:
            return graph.add("Add", graph.chain(whole, ("Sub", 1)), when.share())

        places: dict[str, Callable[[], str]] = {
            "day": when.share,
            "week": lambda: graph.chain(after(when.weekday()), ("Mul", 1 / 7)),
            "month": lambda: graph.add("Div", after(when.day()), when.days_of_month()),
            "year": lambda: graph.chain(after(when.day_of_year()), ("Mul", 1 / 365.25)),
        }
        return self.output(column), tuple(part for cycle in self.cycles for part in turned(graph, places[cycle]()))


def _place(when: Any, cycle: Cycle) -> float:
    """Where in a cycle, from 0 to 1, a date or a time is."""
    seconds = when.hour * 3600 + when.minute * 60 + when.second if hasattr(when, "hour") else 0
    day = float(seconds * (1 / 86_400))  # columns are divided by multiplying with the reciprocal
    if cycle == "day":
        return day
    if cycle == "week":
        return float((when.isoweekday() - 1 + day) * (1 / 7))
    if cycle == "month":
        return float((when.day - 1 + day) / calendar.monthrange(when.year, when.month)[1])
    return float((when.timetuple().tm_yday - 1 + day) * (1 / 365.25))


def _turned(angle: float) -> tuple[float, float]:
    return (math.sin(angle), math.cos(angle)) if math.isfinite(angle) else (math.nan, math.nan)
