"""What rules know: the project, the places of its parts, and the first rows of the data."""

from pathlib import Path
from typing import Any

from msgspec import Struct

from mlspec import edits
from mlspec.diagnostics import Diagnostic, Hint
from mlspec.document import Document
from mlspec.document import Path as SpecPath
from mlspec.machine.allowed_reads import Reads
from mlspec.plugins.base import ColumnType, PluginRef, Schema
from mlspec.spec import Project, pinned
from mlspec.spec.pinned import Snapshot


class Counts(Struct, frozen=True, kw_only=True):
    """How many of all rows have each value of the target, how many rows there are, and how many distinct values the
    column of the split has; None where that is not counted."""

    of_values: dict[str, int] | None = None
    rows: int | None = None
    groups: int | None = None


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of the data without reading it whole.

    ``root`` is the spec's folder; ``sources`` the columns of each source that could be read, ``schemas`` those of the
    rows that each stacked one becomes by joins and derived columns; ``target_levels`` the
    distinct target values in the ``rows_seen`` rows looked at, sorted, None where nothing could be seen;
    ``all_rows_seen``: these are all rows. ``snapshots`` is what is known of sources that are fetched;
    ``accepted``: the data is taken as it is, whatever mlspec.lock has pinned. ``raw`` are the columns of each source
    before personal ones are treated, ``raw_types`` the types that treated columns are read with. ``heads``: sources
    whose types are those of their first rows, not of all. ``reads``: which files may be read, all for None. ``counts``:
    of the one source that is stacked, before joins and the filter.
    """

    root: Path
    schemas: dict[str, Schema]
    target_levels: tuple[str, ...] | None = None
    rows_seen: int = 0
    all_rows_seen: bool = False
    snapshots: dict[str, Snapshot] = {}
    raw: dict[str, Schema] = {}
    raw_types: dict[str, ColumnType] = {}
    sources: dict[str, Schema] = {}
    accepted: bool = False
    heads: tuple[str, ...] = ()
    reads: Reads | None = None
    counts: Counts = Counts()

    def reads_of(self, name: str, use: PluginRef) -> list[Any]:
        """``[plug-in, settings]`` of what reads a source's rows, with the formats of dates that were found out."""
        kind, settings = pinned.reads(use, self.snapshots.get(name))
        forms = {column.name: column.form for column in self.raw.get(name, ()) if column.form}
        return [kind, settings | ({"dates": {**forms, **settings["dates"]}} if "dates" in settings else {})]

    def of_source(self, name: str) -> Schema:
        """The columns of a source as it is read."""
        return self.sources[name] if name in self.sources else self.schemas[name]


class View(Struct, frozen=True, kw_only=True):
    """What a rule looks at. ``running``: a run is about to start here, so that what this machine lacks is an error."""

    project: Project
    document: Document
    facts: Facts
    running: bool = False

    def columns(self) -> Schema:
        """The columns of the data: those of the first source that could be read."""
        return next(iter(self.facts.schemas.values()), ())

    def columns_of(self, source: str | None) -> dict[str, str]:
        """The columns with their types, as the spec states them: of the rows that are used, or of one source."""
        types = self.project.data.columns.types
        schema = self.columns() if source is None else self.facts.sources.get(source, ())
        return {column.name: types.get(column.name, column.type) for column in schema}

    def diagnostic(
        self,
        code: str,
        path: SpecPath,
        message: str,
        label: str | Hint = "",
        *notes: str,
        severity: str = "error",
        key: bool = False,
    ) -> Diagnostic:
        """A finding at a place in the spec."""
        return edits.diagnostic(self.document, code, path, message, label, *notes, severity=severity, key=key)
