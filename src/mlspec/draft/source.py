"""The file that a first spec is for: its format, how it is read, its columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from mlspec import registry
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.plugins.base import PluginRef, Schema
from mlspec.plugins.source import Source
from mlspec.sources import _probe
from mlspec.sources._sniff import sniff
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
    found = sniff(kind, data, given)
    cls = registry.plugin("sources", kind)
    try:
        source = cast(Source, msgspec.convert({**found.settings, "path": str(data)}, cls))
    except msgspec.ValidationError as error:
        raise _refused("unknown-key", f"'{data}' can't be read as {kind} with these settings: {error}") from None
    # A file whose rows crash their reader is noticed in the child process that reads the first ones.
    column = None if with_values or _probe.is_apart(source, Path()) else ""
    seen = _probe.probe({kind: PluginRef(kind, source)}, Path(), column)[kind]
    if isinstance(seen, OSError):
        raise _refused("source-not-found", f"'{data}' can't be read: {(seen.strerror or str(seen)).lower()}")
    if isinstance(seen, Exception):
        raise _refused("source-unreadable", f"'{data}' can't be read as {kind}: {seen}")
    return Opened(kind, source, seen.columns, found.settings, found.notes, seen.values)


def _refused(code: str, message: str, *notes: str) -> SpecError:
    return SpecError([Diagnostic(code=code, message=message, notes=notes)])
