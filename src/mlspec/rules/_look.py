"""A look at one source before anything runs: its header and first rows, or what was pinned of it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from mlspec.diagnostics import Diagnostic
from mlspec.document import Document
from mlspec.plugin import Column, ColumnType, Schema, Source, Use
from mlspec.spec import Project, pinned

Values = tuple[tuple[str, ...], bool]


class Look(Struct, frozen=True, kw_only=True):
    """What was seen: the columns (None where that could not be told), the target's first values and whether these are
    all, the snapshot of a source that is fetched, and what is wrong."""

    columns: Schema | None = None
    values: Values | None = None
    snapshot: pinned.Snapshot | None = None
    found: tuple[Diagnostic, ...] = ()


def at(project: Project, document: Document, root: Path, name: str, use: Use) -> Look:
    """A look at a source. Nothing is fetched, started or connected to."""
    source = cast(Source, use.plugin)
    place = ("data", "sources", name)
    target = project.data.columns.target
    secrets = tuple(_secrets(document, place, name, source))
    if secrets:
        return Look(found=secrets)
    wrong = source.mistake()
    if wrong:
        span = document.span(place, key=True)
        return Look(
            found=(Diagnostic(code="bad-source", message=f"source '{name}' is unclear", span=span, label=wrong),)
        )
    snapshot = pinned.snapshot(root, name, use) if source.is_fetched else None
    keyed = (*place, source.key)
    try:
        columns, values = source.columns(root), source.values(root, target)
    except LookupError:
        return _pinned(document, name, source, snapshot, target)
    except OSError as error:
        return Look(found=(_missing(document, keyed, root, source, error),))
    except ValueError as error:
        message = f"source '{name}' can't be read as {use.name}: {error}"
        return Look(found=(Diagnostic(code="source-unreadable", message=message, span=document.span(keyed)),))
    return Look(columns=_stated(columns, source), values=values, snapshot=snapshot)


def _secrets(document: Document, place: tuple[str, ...], name: str, source: Source) -> Iterator[Diagnostic]:
    """Passwords, and references to the environment where these are not filled in."""
    for key, text in _texts((), msgspec.to_builtins(source)):
        span = document.span((*place, *key))
        if "://" in text and _secrets_in(text):
            message, label = f"a password stands in source '{name}'", "write ${env:NAME} in its place"
            yield Diagnostic(code="secret-in-spec", message=message, span=span, label=label)
        elif "${env:" in text and key[-1] != "connection":
            message, label = f"'{key[0]}' takes no ${{env:NAME}}", "only connection strings do"
            yield Diagnostic(code="secret-in-spec", message=message, span=span, label=label)


def _secrets_in(text: str) -> bool:
    from mlspec.sources._secrets import PASSWORD

    return PASSWORD.search(text) is not None


def _texts(path: tuple[str | int, ...], value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list | tuple):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts((*path, key), item)


def _pinned(document: Document, name: str, source: Source, snapshot: pinned.Snapshot | None, target: str) -> Look:
    """A source that only fetching can tell about: what the spec states of it, or what was pinned."""
    known = {} if snapshot is None else snapshot.columns
    columns = tuple(Column(column, cast(ColumnType, kind)) for column, kind in (source.stated() or known).items())
    if not columns:
        found = Diagnostic(
            code="source-schema-unknown",
            message=f"which columns source '{name}' has is not known yet",
            span=document.span(("data", "sources", name), key=True),
            label=f"{source.where()} has not been read",
            notes=(
                "validate and compile connect to nothing; `mlspec run` reads it and pins its columns in mlspec.lock",
                *(["or state them: schema: {age: integer, job: category}"] if hasattr(source, "schema") else []),
            ),
        )
        return Look(found=(found,))
    levels = None if snapshot is None or snapshot.target != target else snapshot.levels
    return Look(columns=_stated(columns, source), values=None if levels is None else (levels, False), snapshot=snapshot)


def _stated(columns: Schema, source: Source) -> Schema:
    stated = source.stated()
    return tuple(
        Column(
            c.name, cast(ColumnType, stated.get(c.name, c.type)), "unused" if c.name in source.besides else "feature"
        )
        for c in columns
    )


def _missing(document: Document, at: tuple[str, ...], root: Path, source: Source, error: OSError) -> Diagnostic:
    from mlspec.spec import suggest

    wanted = str(getattr(source, "path", getattr(source, "connection", "")))
    folder = (root / wanted).parent
    near = suggest.nearest(Path(wanted).name, os.listdir(folder)) if folder.is_dir() else None
    label = f"did you mean '{(Path(wanted).parent / near).as_posix()}'?" if near else ""
    return Diagnostic(
        code="source-not-found",
        message=f"'{wanted}' can't be read: {error.strerror or error}",
        span=document.span(at),
        label=label,
        notes=("paths start at the spec's folder",),
    )
