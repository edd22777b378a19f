"""The file that a first spec is for: its format, how it is read, its columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from mlspec import registry
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.plugins.base import PluginRef, Schema
from mlspec.plugins.source import Source
from mlspec.sources import _probe, _sniff
from mlspec.spec.units import source_at


class Opened(NamedTuple):
    """A source that can be read: ``settings`` are what a spec has to state of it, ``notes`` how they were found, and
    ``values`` the first ones of each column."""

    kind: str
    source: Source
    columns: Schema
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    values: dict[str, tuple[tuple[str, ...], bool]]

    @property
    def is_files(self) -> bool:
        """Whether each row is a file."""
        return "path" in self.source.not_features


def opened(data: Path, given: Mapping[str, Any], *, with_values: bool) -> Opened:
    """A file as a source. Raises SpecError where it can't be read."""
    kind = source_at(str(data))
    if kind is None:
        known = ", ".join(registry.names("sources"))
        raise _refused(
            "format-unclear",
            f"the format of '{data}' cannot be inferred from its name",
            f"the ending of a file states its format: {known}",
        )
    found = _sniff.sniff(kind, data, given)
    try:
        source = _sniff.source(kind, str(data), found.settings)
    except msgspec.ValidationError as error:
        raise _refused("unknown-key", f"'{data}' can't be read as {kind} with these settings: {error}") from None
    except ValueError as error:
        raise _refused("bad-source", f"'{data}' can't be read as {kind}: {error}") from None
    # A file whose rows crash their reader is noticed in the child process that reads the first ones.
    column = None if with_values or _probe.is_apart(source, Path()) else ""
    seen = _probe.probe({kind: PluginRef(kind, source)}, Path(), column)[kind]
    if isinstance(seen, OSError):
        raise _refused("source-not-found", f"'{data}' can't be read: {(seen.strerror or str(seen)).lower()}")
    if isinstance(seen, ImportError):
        raise SpecError([_probe.lacking(f"reading '{data}'", source, seen)])
    if isinstance(seen, Exception):
        raise _refused("source-unreadable", f"'{data}' can't be read as {kind}: {seen}")
    if source.is_empty(Path()):
        raise _refused("source-unreadable", f"'{data}' can't be read as {kind}: {_probe.NO_ROWS}")
    return Opened(kind, source, seen.columns, found.settings, found.notes, seen.values)


def evened(read: Opened, data: Path, columns: Schema) -> tuple[Opened, Schema, dict[str, str]]:
    """A source that reads a few cells of text among numbers as missing, its columns, and types that have to be stated:
    a column whose odd cells have digits too is text."""
    words, notes, types = list(read.settings.get("missing", ())), list(read.notes), dict[str, str]()
    made = []
    for column in columns:
        cells = [cell for cell, _place in column.odd]
        place = column.odd[0][1] if column.odd else ""
        if not cells:
            made.append(column)
        elif hasattr(read.source, "missing") and not any(map(str.isdigit, "".join(cells))):
            words += [cell for cell in cells if cell not in words]
            notes.append(f"{column.name}: '{cells[0]}' ({place}) is read as missing: all other cells are numbers")
            made.append(replace(column, odd=()))
        else:
            types[column.name] = "category"
            notes.append(f"{column.name}: text, for {place} has '{cells[0]}', although nearly all cells are numbers")
            made.append(replace(column, type="category", odd=()))
    settings = {**read.settings, **({"missing": words} if words else {})}
    notes += [f"{c.name}: {c.hint}" for c in columns if c.hint and c.hint not in notes and c.type != "other"]
    source = _sniff.source(read.kind, str(data), settings)
    return read._replace(source=source, settings=settings, notes=tuple(notes)), tuple(made), types


def _refused(code: str, message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code=code, message=message, notes=notes)])
