"""What a transform is: one preparation of a column, fitted on training rows."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from msgspec import Struct

from mlspec.plugins.base import Column, Plugin, Schema, State

if TYPE_CHECKING:
    import polars as pl

    from mlspec.onnxkit.graph import Graph


Cells = Callable[[Any], tuple[Any, ...]]


class Merging(Struct, frozen=True):
    """How a statistic of all rows follows from measures of parts of them: ``of`` are the values that it is a statistic
    of.

    Sums are of integers. ``mode`` is the least of the most frequent values. ``counts`` is a list of objects, whose keys
    are ``names``. A mean and a standard deviation are rounded once, from exact sums: they differ from those of
    ``statistics`` in the last digits.
    """

    how: Literal["sum", "min", "max", "levels", "counts", "mode", "mean", "deviation"]
    of: Any  # a polars expression
    names: tuple[str, str] = ("value", "count")


class Transform(Plugin, frozen=True, kw_only=True):
    """One preparation of a column, fitted on training rows only.

    ``shorthand`` is the field that a bare value fills: ``impute: median`` is ``impute: {strategy: median}``. A
    ``supervised`` step looks at the target: ``measures`` takes the place of ``statistics``, and ``apply_fitted`` makes
    the columns of the very rows that it was fitted on. ``by_level``: what ``by_cell`` makes of a text or a boolean
    depends on which of the texts in the settings and the state it is, all others being alike.
    """

    accepts: ClassVar[frozenset[str]] = frozenset()
    shorthand: ClassVar[str] = ""
    supervised: ClassVar[bool] = False
    by_level: ClassVar[bool] = False

    def mistake(self, column: Column) -> str:
        """What is wrong with these settings for such a column, and the way out; empty where nothing is."""
        return ""

    @abstractmethod
    def output(self, column: Column) -> Schema:
        """The columns that take this one's place, known without fitting (``width`` None where it isn't)."""

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """Aggregates over the training rows that fitting needs, by name; each gives one value or one list."""
        return {}

    def measures(self, column: Column, outcomes: int) -> "Mapping[str, pl.Expr]":
        """The same for a supervised step, over the columns ``OUTCOME`` (one, or one a class) and ``FOLD`` as well."""
        return {}

    def merging(self, column: Column) -> Mapping[str, Merging]:
        """How those of the ``statistics`` that can be merged are merged, where a source is read by parts; one that is
        not named is computed over the whole column."""
        return {}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """The fitted state, plain JSON, from what ``statistics`` gave."""
        return {}

    @abstractmethod
    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The columns that replace this one, each with the expression that makes it from ``pl.col(column.name)``."""

    def by_cell(self, column: Column, state: State) -> tuple[Schema, Cells] | None:
        """``apply`` for one value of Python (None where it is missing; a date is a ``datetime.date``): the columns, and
        the function that gives their values, equal to those of ``apply`` to the last bit. None: there is none, and
        packages with this step answer single rows through the data engine."""
        return None

    def to_onnx(
        self, column: Column, state: State, cells: str, graph: "Graph"
    ) -> tuple[Schema, tuple[str, ...]] | None:
        """``by_cell`` of a column of numbers or dates as nodes of an ONNX graph: the columns, and the tensors that hold
        them. None: there is no such form. Where ``by_level`` is true, none is needed for categories."""
        return None

    def apply_fitted(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The same for the rows that a supervised step was fitted on, whose fold is in ``FOLD``."""
        return self.apply(column, state)
