"""Inspects the sources before anything runs: their headers and first rows, or what mlspec.lock has pinned."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mlspec import edits
from mlspec.diagnostics import Diagnostic, Hint
from mlspec.document import Document
from mlspec.machine import allowed_reads
from mlspec.machine.allowed_reads import Reads
from mlspec.plugins.base import Column, ColumnType, PluginRef, Schema
from mlspec.plugins.source import Source
from mlspec.rules.context import Counts
from mlspec.sources import _infer, _probe
from mlspec.sources._encodings import is_encoding
from mlspec.spec import Project, pinned

MOST_NAMES = 1_000
OUTSIDE = "file-outside"
if TYPE_CHECKING:
    from mlspec.sources._pinned_types import Settled

    Settle = Callable[[Path, PluginRef, Source, str, _probe.Seen], Settled]


class Look(Struct, frozen=True, kw_only=True):
    """What was found: the columns (None if unknown), the target's first values (or all distinct ones of so many
    ``rows``) and whether these are all, the snapshot of a fetched source, and diagnostics. ``is_head``: the types are
    those of the first rows, not of all. ``counts``: what is known of the number of rows."""

    columns: Schema | None = None
    values: _probe.Values | None = None
    rows: int | None = None
    snapshot: pinned.Snapshot | None = None
    found: tuple[Diagnostic, ...] = ()
    is_head: bool = False
    counts: Counts = Counts()


def every(
    project: Project,
    document: Document,
    root: Path,
    reads: Reads | None,
    *,
    locked: bool = False,
    settle: "Settle | None" = None,
) -> dict[str, Look]:
    """Inspects each source, except those with a file outside ``reads``. Nothing is fetched, started or connected to.
    ``locked``: snapshots that mlspec.lock has pinned come first. ``settle``: looks at all rows where it is not known
    yet what they have."""
    target = project.data.columns.target
    sources = project.data.sources
    wrong = {name: tuple(_wrong(document, root, name, use, reads)) for name, use in sources.items()}
    seen = _probe.probe({name: use for name, use in sources.items() if not wrong[name]}, root, target)
    # Values of a person are kept nowhere.
    kept = "" if target in {*project.data.personal, *project.data.columns.sensitive} else target
    looks = {}
    for name, use in sources.items():
        if wrong[name]:
            looks[name] = Look(found=wrong[name])
            continue
        source, outcome = cast(Source, use.plugin), seen[name]
        snapshot = pinned.snapshot(root, name, use, locked=locked) if source.is_fetched else None
        at = ("data", "sources", name, source.key)
        if isinstance(outcome, _probe.Seen):
            look = _seen(document, root, name, use, outcome, snapshot, target, kept, settle=settle)
            looks[name] = replace(look, counts=_counts(root, source, outcome, look, target, project.data.split.column))
        elif isinstance(outcome, LookupError):
            looks[name] = _pinned(document, name, source, snapshot, target)
        elif isinstance(outcome, OSError):
            looks[name] = Look(found=(_missing(document, at, root, source, outcome),))
        elif isinstance(outcome, ImportError):
            span = document.span(at[:-1], key=True)
            looks[name] = Look(found=(_probe.lacking(f"source '{use.name}'", source, outcome, span),))
        else:
            message = f"source '{name}' can't be read as {use.name}: {outcome}"
            found = Diagnostic(code="source-unreadable", message=message, span=document.span(at))
            looks[name] = Look(found=(found,))
    return looks


def _seen(
    document: Document,
    root: Path,
    name: str,
    use: PluginRef,
    seen: _probe.Seen,
    snapshot: pinned.Snapshot | None,
    target: str,
    kept: str,
    *,
    settle: "Settle | None",
) -> Look:
    """A source that was looked at, with the types of all its rows where they are known."""
    source = cast(Source, use.plugin)
    columns, values, rows = seen.columns, seen.values.get(target), None
    is_head, counts = False, Counts()
    if not source.is_fetched and not (values is not None and values[1]):
        try:
            known = _known(root, use, source, kept)
            if known is None and settle is not None:
                known = settle(root, use, source, kept, seen)
        except (OSError, ValueError) as error:
            message = f"source '{name}' can't be read as {use.name}: {error}"
            span = document.span(("data", "sources", name, source.key))
            return Look(found=(Diagnostic(code="source-unreadable", message=message, span=span),))
        if known is not None:
            shown = {column.name: column.hint for column in columns}
            columns = tuple(replace(c, hint=c.hint or shown.get(c.name, "")) for c in known.columns)
            values, rows = known.values(values), known.rows
            if known.levels is not None and known.counts:
                kind = next(column.type for column in columns if column.name == target)
                of_cells = dict(zip(known.levels, known.counts, strict=True))
                counts = Counts(of_values=_by_value(kind, of_cells), rows=rows)
        else:
            is_head = type(source).settled is not Source.settled
    columns = _stated(columns, source)
    return Look(columns=columns, values=values, rows=rows, snapshot=snapshot, is_head=is_head, counts=counts)


def _counts(root: Path, source: Source, seen: _probe.Seen, look: Look, target: str, split: str | None) -> Counts:
    """The counts of a source whose first rows are all, else those that are known of all."""
    cells, everything = seen.values.get(target, ((), False))
    if not everything or look.columns is None or source.is_fetched or _probe.is_apart(source, root):
        return look.counts
    kind = next((column.type for column in look.columns if column.name == target), "category")
    groups = source.values(root, split) if split is not None else None
    rows = source.count(root)
    return Counts(
        of_values=_by_value(kind, Counter(cells)),
        rows=rows,
        groups=None if groups is None else len(set(groups[0])) + (rows is None or len(groups[0]) < rows),
    )


def _by_value(kind: str, of_cells: Mapping[str, int]) -> dict[str, int]:
    """How many rows have each value, by how many have each cell: one value may be written in several ways."""
    found: dict[str, int] = {}
    for cell, count in of_cells.items():
        bare = cell.strip() if kind in ("integer", "number") else cell
        if bare in _infer.NOT_A_NUMBER and kind in ("integer", "number"):
            continue
        if kind == "number" and _infer.is_number(bare):
            bare = f"{float(bare):g}"
        value = bare.lower() if kind == "boolean" else bare
        found[value] = found.get(value, 0) + count
    return found


def _known(root: Path, use: PluginRef, source: Source, kept: str) -> "Settled | None":
    """What is kept of all rows."""
    if not os.path.isdir(root / ".mlspec" / "cache" / "types"):
        return None
    from mlspec.sources import _pinned_types

    return _pinned_types.known(root, use, source, kept)


def outside(project: Project, document: Document, root: Path, reads: Reads) -> list[Diagnostic]:
    """The sources that lead to files which may not be read."""
    return [
        found
        for name, use in project.data.sources.items()
        for found in _outside(document, root, name, cast(Source, use.plugin), reads)
    ]


def refusal(reads: Reads | None, path: Path) -> str:
    """Why a file may not be read; empty where it may be."""
    try:
        return "" if reads is None else allowed_reads.refusal(reads, path)
    except ValueError:
        return "is not a valid path"


def shown(root: Path, file: str) -> str:
    """A file's name from the spec's folder."""
    return os.path.relpath(file.rstrip(os.sep), root).replace(os.sep, "/")


def refused(document: Document | None, at: tuple[str | int, ...], file: str, why: str) -> Diagnostic:
    """That a file which the spec leads to may not be read."""
    return Diagnostic(
        code=OUTSIDE,
        message=f"'{file}' {why}",
        span=None if document is None else document.span(at),
        notes=("add --allow-outside if you trust this spec; `mlspec run` reads any path in the spec",),
    )


def _wrong(document: Document, root: Path, name: str, use: PluginRef, reads: Reads | None) -> Iterator[Diagnostic]:
    """Why a source is not looked at."""
    source, place = cast(Source, use.plugin), ("data", "sources", name)
    secrets = list(_secrets(document, place, name, source))
    yield from secrets
    if secrets:
        return
    mistake = source.mistake()
    if mistake:
        span = document.span(place, key=True)
        yield Diagnostic(
            code="bad-source", message=f"source '{name}' can't be read as stated", span=span, label=mistake
        )
        return
    encoding = getattr(source, "encoding", None)
    if isinstance(encoding, str) and not is_encoding(encoding):
        message, label = f"'{encoding}' is not a known text encoding", "utf-8, latin-1, cp1252, utf-16, ..."
        yield Diagnostic(code="bad-source", message=message, span=document.span((*place, "encoding")), label=label)
        return
    if reads is not None:
        yield from _outside(document, root, name, source, reads)


def _outside(document: Document, root: Path, name: str, source: Source, reads: Reads) -> Iterator[Diagnostic]:
    place = ("data", "sources", name)
    starts = dict(source.starts())
    if source.fallback is not None:
        starts["fallback"] = source.fallback
    found = False
    for key, path in starts.items():
        why = refusal(reads, root / path)
        if why:
            found = True
            yield refused(document, (*place, key), path, why)
    if found:
        return
    try:
        files = source.files(root)
    except (OSError, ValueError):
        return  # the inspection itself reports it
    try:
        other = allowed_reads.refused(reads, files.values())
    except ValueError as error:
        message = f"source '{name}' can't be read: {error}"
        yield Diagnostic(code="source-unreadable", message=message, span=document.span((*place, source.key)))
        return
    if other is not None:
        yield refused(document, (*place, source.key), shown(root, other[0]), other[1])


def _secrets(document: Document, place: tuple[str, ...], name: str, source: Source) -> Iterator[Diagnostic]:
    """Passwords, and references to the environment where these are not replaced."""
    for key, text in _texts((), msgspec.to_builtins(source)):
        span = document.span((*place, *key))
        if "://" in text and _secrets_in(text):
            message, label = f"source '{name}' contains a password", "write ${env:NAME} instead"
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
    """A source that must be fetched: what the spec states about it, or what was pinned."""
    known = {} if snapshot is None else snapshot.columns
    columns = tuple(Column(column, cast(ColumnType, kind)) for column, kind in (source.stated() or known).items())
    if not columns:
        found = Diagnostic(
            code="source-schema-unknown",
            message=f"the columns of source '{name}' are not known yet",
            span=document.span(("data", "sources", name), key=True),
            label=f"{source.where()} has not been read",
            notes=(
                "validate and compile open no connection; `mlspec run` reads it and pins its columns in mlspec.lock",
                *(["or state the columns: schema: {age: integer, job: category}"] if hasattr(source, "schema") else []),
            ),
        )
        return Look(found=(found,))
    levels = None if snapshot is None or snapshot.target != target else snapshot.levels
    return Look(columns=_stated(columns, source), values=None if levels is None else (levels, False), snapshot=snapshot)


def _stated(columns: Schema, source: Source) -> Schema:
    stated = source.stated()
    return tuple(
        replace(
            c,
            type=cast(ColumnType, stated.get(c.name, c.type)),
            role="unused" if c.name in source.not_features else c.role,
        )
        for c in columns
    )


def _missing(document: Document, at: tuple[str, ...], root: Path, source: Source, error: OSError) -> Diagnostic:
    wanted = str(getattr(source, "path", getattr(source, "connection", "")))
    near = _near(root, Path(wanted))
    notes = ("paths are relative to the spec's folder",)
    pointer = _pointer(root, Path(wanted))
    if pointer is not None:
        near, notes = None, (f"'{pointer}' is here, its data is not: run `dvc pull`",)
    elif "\\" in wanted:
        notes = (f"write / between folders: {wanted.replace(chr(92), '/')}",)
    hint = Hint("", (edits.written(wanted.replace("\\", "/")),) if "\\" in wanted else ())
    if near:
        hint = Hint(f"did you mean '{near}'?", (edits.written(near),))
    message = f"'{wanted}' can't be read: {error.strerror or error}"
    return edits.diagnostic(document, "source-not-found", at, message, hint, *notes)


def _pointer(root: Path, wanted: Path) -> str | None:
    """The file with which DVC tracks a file, or a folder that it is in, if it is here; never one outside the
    repository."""
    around = allowed_reads.around(root)
    for tracked in (wanted, *wanted.parents[:-1]):
        pointer = tracked.with_name(f"{tracked.name}.dvc")
        if not allowed_reads.refusal(around, root / pointer.parent) and os.path.lexists(root / pointer):
            return pointer.as_posix()
    return None


def _near(root: Path, wanted: Path) -> str | None:
    """A file of a similar name in the same folder, which is never listed outside the repository."""
    from mlspec.spec import suggest

    folder = root / wanted.parent
    try:
        if allowed_reads.refusal(allowed_reads.around(root), folder):
            return None
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MOST_NAMES)]
    except (OSError, ValueError):
        return None
    near = suggest.nearest(wanted.name, names)
    return None if near is None else (wanted.parent / near).as_posix()
