"""Rows as their source gives them, outside a run: for a look at them, and for predicting new ones."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec
import polars as pl

from mlspec import registry
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.plugins.base import PluginRef, Schema
from mlspec.plugins.source import Source
from mlspec.sources import _columnar, _probe
from mlspec.spec import pinned
from mlspec.spec.units import source_at


def opened(path: str) -> tuple[Source, Schema]:
    """A file as a source, and its columns. Raises SpecError where it can't be read."""
    name = source_at(path)
    if name is None:
        note = f"the ending of a file states its format: {', '.join(registry.names('sources'))}"
        message = f"the format of '{path}' cannot be inferred from its name"
        raise SpecError([Diagnostic(code="format-unclear", message=message, notes=(note,))])
    source = cast(Source, registry.plugin("sources", name)(path=path))
    seen = _probe.probe({name: PluginRef(name, source)}, Path(), "")[name]
    if isinstance(seen, OSError):
        message = f"'{path}' can't be read: {(seen.strerror or str(seen)).lower()}"
        raise SpecError([Diagnostic(code="source-not-found", message=message)])
    if isinstance(seen, ImportError):
        raise SpecError([_probe.lacking(f"reading '{path}'", source, seen)])
    if isinstance(seen, Exception):
        message = f"'{path}' can't be read as {name}: {seen}"
        raise SpecError([Diagnostic(code="source-unreadable", message=message)])
    return source, seen.columns


@contextlib.contextmanager
def reading(what: str, root: Path, *sources: Source) -> Iterator[None]:
    """All rows of these sources are read within; what the data engine says of damaged ones is a SpecError."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise  # of the file system; the data engine's own name none
        known = next((fault for source in sources if (fault := source.fault(root))), "")
        message = f"'{what}' can't be read: {known or _columnar.reason(error)}"
        raise SpecError([Diagnostic(code="source-unreadable", message=message)]) from None


def rows(root: Path, name: str, use: PluginRef, schema: Schema) -> "pl.LazyFrame":
    """The rows of a spec's source, with those of these columns that it has; of one that is fetched, those of its
    snapshot.

    Raises SpecError where that is not here.
    """
    source = cast(Source, use.plugin)
    kind, settings = pinned.reads(use, pinned.snapshot(root, name, use) if source.is_fetched else None)
    reader = cast(Source, msgspec.convert(settings, registry.plugin("sources", kind)))
    if reader.is_fetched or not all(path.exists() for path in reader.files(root).values()):
        message = f"source '{name}' has not been fetched here"
        raise SpecError([Diagnostic(code="no-snapshot", message=message, notes=("mlspec run fetches it",))])
    there = {column.name for column in reader.columns(root)}
    return reader.scan(root, tuple(column for column in schema if column.name in there))
