"""A process that fetches one source: what it asks for comes as JSON on standard input, what it has is written as JSON
into its folder. The one who started it can end it at any time; nothing is taken from a folder that isn't finished."""

import hashlib
import os
import sys
import time
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.plugins.base import ColumnType, Schema
from mlspec.plugins.source import Source, Wanted
from mlspec.snapshots import anonymize_snapshot
from mlspec.sources import _all_rows, _probe, _secrets
from mlspec.spec.pinned import MOST_LEVELS

RESULT = "fetched.json"
LONGEST = 300


class Request(Struct, frozen=True, kw_only=True):
    """What to fetch: a source with its settings, from the spec's folder ``root`` into ``folder``."""

    kind: str
    settings: dict[str, Any]
    root: str
    folder: str
    wanted: Wanted
    mark: str = ""
    target: str = ""
    treatments: anonymize_snapshot.Treatments = anonymize_snapshot.Treatments()
    parent: int = 0
    file_format: str = "parquet"
    compression: str = "zstd"


class Reply(Struct, frozen=True, kw_only=True):
    """What came: ``same`` as last time, ``new`` rows, ``down`` (try again later), ``wrong`` (no use in that), or
    ``unfit``: the anonymiser of ``column`` does not accept its type. ``treated``: the file holds treated columns."""

    outcome: Literal["same", "new", "down", "wrong", "unfit"]
    cause: str = ""
    column: str = ""
    treated: bool = False
    file: str = ""
    format: str = ""
    digest: str = ""
    columns: dict[str, ColumnType] = {}
    rows: int = 0
    levels: tuple[str, ...] | None = None
    changed: float | None = None
    taken: float = 0.0
    mark: str = ""


def main() -> None:
    """Fetch, and write the reply."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    folder = Path(request.folder)
    # What user code and drivers print is not part of the reply.
    os.dup2(2, 1)
    if request.parent:
        from mlspec.machine.child_process import die_with

        die_with(request.parent)
    try:
        reply = fetched(request)
    except anonymize_snapshot.MisfitError as error:
        reply = Reply(outcome="unfit", cause=str(error), column=error.column)
    except StepError as error:
        reply = Reply(outcome="wrong", cause=_shown(str(error), request))
    except OSError as error:
        reply = Reply(outcome="down", cause=_shown(_text(error), request))
    except BaseException as error:  # the panic of a library is no Exception
        text = _shown(str(error), request)
        reply = Reply(outcome="wrong", cause=f"{type(error).__name__}: {text}" if text else type(error).__name__)
    aside = folder / f"{RESULT}.part"
    aside.write_bytes(msgspec.json.encode(reply))
    aside.rename(folder / RESULT)


def fetched(request: Request) -> Reply:
    """Fetch a source and look at all that came: what can't be read whole is no snapshot."""
    import polars as pl

    from mlspec.sources import _columnar
    from mlspec.steps.data import table_digest

    source = cast(Source, msgspec.convert(request.settings, registry.plugin("sources", request.kind)))
    folder = Path(request.folder)
    taken = time.time()
    found = source.fetch(Path(request.root), folder, request.wanted, request.mark)
    if found is None:
        return Reply(outcome="same")
    kind = found.format or request.kind
    settings = {**request.settings, "path": found.path.name} if kind == request.kind else {"path": found.path.name}
    local = cast(Source, msgspec.convert(settings, registry.plugin("sources", kind)))
    said = request.treatments
    try:
        columns, levels = _settled(local, folder, request.target)
        every = {c.name: c.type for c in (*found.columns, *columns)}
        treated = anonymize_snapshot.treat(local, folder, columns, request.wanted, said, ordered=found.ordered)
        if treated is not None:
            found.path.unlink()
            kind, local = "parquet", cast(Source, registry.plugin("sources", "parquet")(path=treated.name))
            columns, found_levels = _settled(local, folder, request.target)
            levels = found_levels if request.target in said.actions else levels
        rows = int(local.scan(folder, columns).select(pl.len()).collect(engine="streaming").item())
    except (ValueError, OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        # What the engine says of a value may show it.
        message = type(error).__name__ if set(said.personal) else _columnar.reason(error)
        raise StepError(f"the response cannot be read as {kind}: {message}") from None
    path = treated or found.path
    is_ours = treated is not None or kind == "parquet" != request.kind
    if is_ours and (request.file_format, request.compression) != ("parquet", "zstd"):
        path, kind = _stored(path, request.file_format, request.compression), request.file_format
    return Reply(
        outcome="new",
        file=path.name,
        format=kind,
        digest=table_digest.digest(path) if is_ours else _bytes(path),
        columns=every,
        rows=rows,
        levels=levels,
        changed=found.changed,
        taken=taken,
        mark=found.mark,
        treated=treated is not None,
    )


def _stored(path: Path, file_format: str, compression: str) -> Path:
    """The same rows in a file of that format and compression, in place of this one, which is Parquet."""
    import polars as pl

    from mlspec.steps.data import parquet

    made = path.with_name(f"{compression}-{path.stem}.{file_format}")
    frame = pl.scan_parquet(path)
    size = parquet.batch(frame.collect_schema())
    kinds: dict[str, Literal["zstd", "lz4", "uncompressed"]] = {"zstd": "zstd", "lz4": "lz4", "none": "uncompressed"}
    kind = kinds[compression]
    if file_format == "arrow":
        frame.sink_ipc(made, compression=kind, record_batch_size=size, maintain_order=True)
    else:
        frame.sink_parquet(made, compression=kind, row_group_size=size, maintain_order=True, statistics=True)
    path.unlink()
    return made


def _shown(text: str, request: Request) -> str:
    """What a driver, a server or user code says of an error, on one line and without secrets: it leaves here alone."""
    shown = _secrets.scrubbed(text, str(request.settings.get("connection", "")))
    return " ".join(shown.split())[:LONGEST]


def _text(error: OSError) -> str:
    text = error.strerror or str(error) or type(error).__name__
    return f"{text}: {error.filename}" if error.filename else text


def _settled(source: Source, folder: Path, target: str) -> tuple[Schema, tuple[str, ...] | None]:
    """The columns with the types that all rows have, and the target's distinct values, or those of the first rows."""
    columns, first = source.columns(folder), source.values(folder, target)
    seen = _probe.Seen(columns, {} if first is None else {target: first})
    found = _all_rows.scanned(folder, source, target, seen)
    if found.levels is not None:
        return found.columns, found.levels
    return found.columns, None if first is None else tuple(sorted(set(first[0])))[: MOST_LEVELS + 1]


def _bytes(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
