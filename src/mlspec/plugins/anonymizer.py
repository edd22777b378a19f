"""What an anonymizer is: what is done to a personal column as its source is read."""

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from mlspec.plugins.base import Column, Plugin

if TYPE_CHECKING:
    import polars as pl


class Anonymizer(Plugin, frozen=True, kw_only=True):
    """What is done to a personal column as its source is read: nothing behind that step sees it as it was.

    Each cell is treated by itself (what is drawn by lot, by its place), and nothing is fitted. ``shorthand`` is the
    field that a bare value fills; ``accepts`` the types that it can treat, all where it is empty.
    """

    accepts: ClassVar[frozenset[str]] = frozenset()
    shorthand: ClassVar[str] = ""

    def mistake(self, column: Column) -> str:
        """What is wrong with these settings for such a column, and the way out; empty where nothing is."""
        return ""

    def secret(self) -> str:
        """The environment variable that it reads a key from; empty where it needs none."""
        return ""

    @abstractmethod
    def output(self, column: Column) -> Column | None:
        """The column that takes this one's place; None where nothing does."""

    @abstractmethod
    def apply(self, column: Column) -> "pl.Expr":
        """The treated cells of the data, from ``pl.col(column.name)``; missing ones stay missing."""

    def apply_new(self, column: Column) -> "pl.Expr":
        """The treated cells of rows that are to be predicted."""
        return self.apply(column)
