"""A first spec from a look at the data: what `mlspec init` writes, every proposal with its reason.

The order of things: what is read (``source``); what its rows show (``head`` from the first ones, ``rows`` from all
where the data engine is installed); what is to be said of them (``decide``, by ``target``, ``task``, ``roles``,
``people``, ``split``, ``leaks``, ``models``); the spec as plain values (``compose``, ``expectations``); its text
(``text``).
"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.draft import compact_dates, compose, decide, head, source
from mlspec.draft.proposal import Proposal as Proposal
from mlspec.draft.proposal import without as without
from mlspec.draft.table import Because, Table
from mlspec.draft.table import Given as Given
from mlspec.plugins.base import Schema

if TYPE_CHECKING:
    from mlspec.draft.afterwards import Leak
    from mlspec.plugins.base import Task


GUESSED = Given()
INDEX = "it has no name, as the index that pandas or R writes"


def draft(data: Path, folder: Path, given: Given = GUESSED, *, with_rows: bool | None = None) -> Proposal:
    """A spec that is in ``folder`` and reads ``data``; ``with_rows``: look at all rows, not only at the first ones,
    which is done where the data engine is installed if left out.

    Raises SpecError where the file can't be read, has no such column, or nothing can be predicted of it.
    """
    if with_rows is None:
        with_rows = find_spec("polars") is not None
    read = source.opened(data, given.settings, with_values=not with_rows)
    decide.demand_known(given, read.columns)
    if with_rows:
        rows = _Rows(data, read)
        return compose.proposal(rows.read, rows.table, decide.decided(rows.table, given, rows), data, folder)
    read, columns, types = source.evened(read, data, read.columns)
    seen = head.seen(_usable(columns), read.values)
    looked = max((column.rows for column in seen), default=0)
    table = Table(
        name=data.name,
        rows=looked,
        looked_at=looked,
        is_all=all(read.values[c.name][1] for c in read.columns if c.name in read.values),
        columns=tuple(column for column in seen if column.name),  # the language has no empty names
        not_features=tuple(read.source.not_features),
        content=getattr(read.source, "content", None),
        types=types,
        unusable=_unusable(columns),
    )
    return compose.proposal(read, table, decide.decided(table, given, decide.Unknown()), data, folder)


def _usable(columns: Schema) -> Schema:
    return tuple(column for column in columns if column.type != "other" and column.role != "unused")


def _unusable(columns: Schema) -> tuple[Because, ...]:
    unnamed = [Because("", INDEX) for column in columns if column.name == ""]
    return (*unnamed, *(Because(column.name, column.hint) for column in columns if column.type == "other"))


class _Rows:
    """All rows of a source, and what is asked of them once the target is known."""

    def __init__(self, data: Path, read: "source.Opened") -> None:
        from mlspec.draft import rows
        from mlspec.steps.data import raw_rows

        with raw_rows.reading(str(data), Path(), read.source):
            columns = read.source.settled(Path(), read.columns)
            even, columns, types = source.evened(read, data, columns)
            self.read, columns = compact_dates.stated(even, data, columns)
            usable = _usable(columns)
            frame = self.read.source.scan(Path(), usable)
            every, self.held = rows.looked_at(frame, usable)
            seen = rows.seen(frame, every, self.held, usable)
        self.table = Table(
            name=data.name,
            rows=every,
            looked_at=self.held.height,
            is_all=self.held.height == every,
            columns=tuple(column for column in seen if column.name),  # the language has no empty names
            not_features=tuple(read.source.not_features),
            content=getattr(read.source, "content", None),
            types=types,
            unusable=_unusable(columns),
        )

    def leaks(self, target: str, kind: "Task", features: list[str]) -> "list[Leak]":
        """The features that tell the target."""
        from mlspec.draft import leaks

        known = set(features) & set(self.held.columns)
        return leaks.measured(self.held, [c for c in self.table.columns if c.name in known], target, kind)

    def parts(self, stated: dict[str, Any], target: str, *, classes: bool) -> tuple[str, tuple[int, ...]]:
        """What a split comes to."""
        from mlspec.draft import trial_split

        return trial_split.parts(self.held, stated, target, classes=classes)

    def same_within(self, thing: str) -> list[str]:
        """The columns that have one value in all rows of each value of a column."""
        from mlspec.draft import trial_split

        return trial_split.same_within(self.held, thing)

    def recurs(self, thing: str, moment: str) -> bool:
        """Whether most values of a column have rows at several moments."""
        from mlspec.draft import trial_split

        return trial_split.recurs(self.held, thing, moment)


__all__ = ["Given", "Proposal", "draft", "without"]
