"""Rows as their source gives them, outside a run: for a look at them, and for predicting new ones."""

import contextlib
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import msgspec
import polars as pl

from mlspec import registry
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.plugins.base import PluginRef, Schema
from mlspec.plugins.source import Source
from mlspec.sources import _columnar, _probe, _sniff
from mlspec.spec.units import source_at


def looked_at(path: str, settings: Mapping[str, Any]) -> tuple[Source, Schema, tuple[str, ...]]:
    """A file as a source that reads it with these settings and those that its beginning shows, its columns with the
    types of all rows, and a line for each thing that is odd about it. Raises SpecError where it can't be read."""
    source, columns, notes = opened(path, settings)
    if source.is_empty(Path()):
        raise SpecError([_unreadable(path, _probe.NO_ROWS, source_at(path) or "")])
    try:
        columns = source.settled(Path(), columns)
    except ValueError as error:
        raise SpecError([_unreadable(path, str(error), source_at(path) or "")]) from None
    return source, columns, notes + hints(tuple(column for column in columns if column.hint not in notes))


def opened(path: str, settings: Mapping[str, Any] = MappingProxyType({})) -> tuple[Source, Schema, tuple[str, ...]]:
    """The same from the beginning of the file alone."""
    name = source_at(path)
    if name is None:
        note = f"the ending of a file states its format: {', '.join(registry.names('sources'))}"
        message = f"the format of '{path}' cannot be inferred from its name"
        raise SpecError([Diagnostic(code="format-unclear", message=message, notes=(note,))])
    sniffed = _sniff.sniff(name, Path(path), settings)
    try:
        source = _sniff.source(name, path, sniffed.settings)
    except ValueError as error:
        raise SpecError([Diagnostic(code="bad-source", message=f"'{path}' can't be read as {name}: {error}")]) from None
    seen = _probe.probe({name: PluginRef(name, source)}, Path(), "")[name]
    if isinstance(seen, OSError):
        message = f"'{path}' can't be read: {(seen.strerror or str(seen)).lower()}"
        raise SpecError([Diagnostic(code="source-not-found", message=message)])
    if isinstance(seen, ImportError):
        raise SpecError([_probe.lacking(f"reading '{path}'", source, seen)])
    if isinstance(seen, Exception):
        raise SpecError([_unreadable(path, str(seen), name)])
    return source, seen.columns, sniffed.notes


def demand_even(columns: Schema) -> None:
    """Raises SpecError for columns of numbers that hold a few cells of text."""
    found = []
    for column in (column for column in columns if column.odd):
        cell, place = column.odd[0]
        message = f"column '{column.name}' is {column.type} in all other rows, but {place or 'one'} has '{cell}'"
        note = f"if it means a missing value: --missing {shlex.quote(cell)}"
        found.append(Diagnostic(code="odd-cell", message=message, notes=(note,)))
    if found:
        raise SpecError(found)


def hints(columns: Schema, hidden: Collection[str] = ()) -> tuple[str, ...]:
    """What is odd about columns, a line each; of those whose values must not be shown, nothing."""
    odd = [column for column in columns if column.hint and column.name not in hidden]
    return tuple(f"{column.name or 'the unnamed column'}: {column.hint}" for column in odd)


@contextlib.contextmanager
def reading(what: str, root: Path, *sources: Source) -> Iterator[None]:
    """All rows of these sources are read within; what the data engine says of damaged ones is a SpecError."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # of the file system; the data engine's own name none
        known = next((fault for source in sources if (fault := source.fault(root))), "")
        raise SpecError([_unreadable(what, known or _columnar.reason(error))]) from None


def rows(root: Path, name: str, reads: Sequence[Any], schema: Schema) -> "pl.LazyFrame":
    """The rows of a spec's source, with those of these columns that it has; ``reads``: the plug-in and its settings.

    Raises SpecError where that is not here.
    """
    kind, settings = reads
    reader = cast(Source, msgspec.convert(settings, registry.plugin("sources", kind)))
    if reader.is_fetched or not all(path.exists() for path in reader.files(root).values()):
        message = f"source '{name}' has not been fetched here"
        raise SpecError([Diagnostic(code="no-snapshot", message=message, notes=("mlspec run fetches it",))])
    there = {column.name for column in reader.columns(root)}
    return reader.scan(root, tuple(column for column in schema if column.name in there))


def _unreadable(what: str, why: str, kind: str = "") -> Diagnostic:
    text = f"'{what}' can't be read{f' as {kind}' if kind else ''}: {why}"
    return Diagnostic(code="source-unreadable", message=text)
