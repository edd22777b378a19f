"""What a table shows of itself, as frozen values: all that a first spec is proposed from."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mlspec.plugins.base import ColumnType

NUMBERS = ("integer", "number")
TIMES = ("date", "datetime")


class Level(Struct, frozen=True):
    """A value as text, and how many of the rows that were looked at have it."""

    value: str
    rows: int


class Seen(Struct, frozen=True, kw_only=True):
    """A column. ``missing`` and ``least`` to ``greatest`` are of all rows, the rest of those that were looked at.

    ``least`` and ``greatest`` are None where a number is infinite; ``levels``: the most frequent values, up to 200;
    ``values``: some distinct ones; ``quantiles``: at 0, 0.05, 0.25, 0.5, 0.75, 0.95 and 1, of numbers; ``is_whole``:
    every number is an integer; ``is_ordered``: the rows are in its order; ``words``, ``characters``: their mean number
    in a text; ``has_all_levels``: no row has another value than ``levels``; ``is_unique``: no two rows have the same
    value; ``is_counted``: integers without a gap, each of one row; ``restarts``: nearly each row has the number after
    that of the row before, from 0 or 1 again some times.
    """

    name: str
    type: ColumnType
    rows: int
    missing: int = 0
    distinct: int = 0
    levels: tuple[Level, ...] = ()
    values: tuple[str, ...] = ()
    least: float | None = None
    greatest: float | None = None
    quantiles: tuple[float, ...] = ()
    is_whole: bool = False
    is_ordered: bool = False
    is_unique: bool = False
    is_counted: bool = False
    restarts: bool = False
    has_all_levels: bool = False
    words: float = 0.0
    characters: float = 0.0

    @property
    def present(self) -> int:
        """The rows that have a value, of those that were looked at."""
        return max(self.rows - self.missing, 0)


class Table(Struct, frozen=True, kw_only=True):
    """A table: how many rows it has and how many were looked at, and its columns.

    ``is_all``: every row was looked at; ``not_features``: columns that are no features unless the spec says so;
    ``content``: the column with the content of files, if each row is a file; ``types``: those that have to be stated;
    ``unusable``: columns that no model can use, which are not among ``columns``.
    """

    name: str
    rows: int
    looked_at: int
    is_all: bool
    columns: tuple[Seen, ...]
    not_features: tuple[str, ...] = ()
    content: str | None = None
    types: Mapping[str, str] = {}
    unusable: "tuple[Because, ...]" = ()

    def column(self, name: str) -> Seen:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


class Given(Struct, frozen=True, kw_only=True):
    """What the user has stated; it is written as it is. ``settings`` say how the file is read, ``train_time`` for how
    many seconds a portfolio of models may be trained."""

    target: str | None = None
    task: str | None = None
    time: str | None = None
    group: str | None = None
    drop: tuple[str, ...] = ()
    id: str | None = None
    settings: Mapping[str, Any] = {}
    train_time: float | None = None


class Because(Struct, frozen=True):
    """A column, and why something is proposed for it."""

    column: str
    why: str
