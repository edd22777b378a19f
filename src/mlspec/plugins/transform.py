"""What a transform is: one preparation of a column, fitted on training rows."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.base import Column, Plugin, Schema, State

if TYPE_CHECKING:
    import polars as pl


class Transform(Plugin, frozen=True, kw_only=True):
    """One preparation of a column, fitted on training rows only.

    ``shorthand`` is the field that a bare value fills: ``impute: median`` is ``impute: {strategy: median}``. A
    ``supervised`` step looks at the target: ``measures`` takes the place of ``statistics``, and ``apply_fitted`` makes
    the columns of the very rows that it was fitted on.
    """

    accepts: ClassVar[frozenset[str]] = frozenset()
    shorthand: ClassVar[str] = ""
    supervised: ClassVar[bool] = False

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

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """The fitted state, plain JSON, from what ``statistics`` gave."""
        return {}

    @abstractmethod
    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The columns that replace this one, each with the expression that makes it from ``pl.col(column.name)``."""

    def apply_fitted(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """The same for the rows that a supervised step was fitted on, whose fold is in ``FOLD``."""
        return self.apply(column, state)
