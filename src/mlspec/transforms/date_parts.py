"""Dates to numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.onnxkit.calendar import Calendar
from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Cells, Transform

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph

DatePart = Literal["year", "month", "day", "weekday", "day_of_year", "hour", "days_since_1970"]


PARTS: Mapping[str, Callable[[Any], float]] = {
    "year": lambda day: float(day.year),
    "month": lambda day: float(day.month),
    "day": lambda day: float(day.day),
    "weekday": lambda day: float(day.isoweekday()),
    "day_of_year": lambda day: float(day.timetuple().tm_yday),
    "hour": lambda day: float(getattr(day, "hour", 0)),
    "days_since_1970": lambda day: float(day.toordinal() - 719_163),
}


class DateParts(Transform, frozen=True, kw_only=True):
    """Converts a date to numbers, one column per part, named `COLUMN.PART`.

    Why: a date contains seasons and weekdays, but an estimator cannot see them in it.

    Example:
        date: [date_parts: {parts: [month, weekday]}]
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"date", "datetime"})
    shorthand: ClassVar[str] = "parts"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    parts: Annotated[
        tuple[DatePart, ...], Meta(description="The parts, each of which becomes a column.", min_length=1)
    ] = (
        "year",
        "month",
        "day",
        "weekday",
    )

    def output(self, column: Column) -> Schema:
        """A number for each part."""
        return tuple(Column(f"{column.name}.{part}", "number", column.role) for part in self.parts)

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The parts, weekday from 1 (Monday), hour 0 for a date without a time."""
        import polars as pl

        when = pl.col(column.name)
        made = {
            "year": when.dt.year(),
            "month": when.dt.month(),
            "day": when.dt.day(),
            "weekday": when.dt.weekday(),
            "day_of_year": when.dt.ordinal_day(),
            "hour": when.cast(pl.Datetime("us")).dt.hour(),
            "days_since_1970": when.cast(pl.Date).cast(pl.Int32),
        }
        return [(new, made[part].cast(pl.Float64)) for new, part in zip(self.output(column), self.parts, strict=True)]

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells]:
        """As ``apply``."""
        parts = [PARTS[part] for part in self.parts]
        missing = (None,) * len(parts)
        return self.output(column), lambda cell: missing if cell is None else tuple([part(cell) for part in parts])

    def to_onnx(self, column: Column, state: State, cells: str, graph: "Graph") -> tuple[Schema, tuple[str, ...]]:
        """As ``apply``."""
        when = Calendar(graph, cells, timed=column.type == "datetime")
        parts = {"days_since_1970": lambda: when.days}
        return self.output(column), tuple((parts.get(part) or getattr(when, part))() for part in self.parts)
