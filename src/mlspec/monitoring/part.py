"""One part of a request log as a table; and the program that reads many for another process, which a damaged one may
end: after each a line of JSON, and the table in Arrow's format."""

import io
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from msgspec import Struct

from mlspec.machine import confined, safe_files
from mlspec.sources import _columnar

LARGEST = 1 << 30  # bytes of a part
MOST_ROWS = 2_000_000
CPU_SECONDS = 120  # for a part
US = pl.Datetime("us", "UTC")
TYPES: dict[str, Any] = {"text": pl.String, "integer": pl.Int64, "number": pl.Float64, "truth": pl.Boolean, "time": US}
CORE = {
    "request_id": "text",
    "row": "integer",
    "time": "time",
    "model": "text",
    "role": "text",
    "status": "text",
    "milliseconds": "number",
}


class Request(Struct, frozen=True):
    """The parts to read, their columns (name, one of ``TYPES``), who asks, and the bytes it may take."""

    parent: int
    paths: tuple[str, ...]
    columns: dict[str, str]
    memory: int


class Reply(Struct, frozen=True, omit_defaults=True):
    """What is known of a part: how many ``bytes`` its table has, which follow, and the columns that it has; or why it
    can't be read, or that enough rows are read already."""

    bytes: int = 0
    names: tuple[str, ...] = ()
    rows: int = 0
    wrong: str = ""
    skipped: bool = False


def read(path: Path, wanted: dict[str, str]) -> tuple["pl.DataFrame", tuple[str, ...]]:
    """A part's columns, those that it lacks empty, and the names of those that it has.

    Raises OSError, ValueError, and what the data engine raises.
    """
    with safe_files.opened(path) as file:
        size = os.fstat(file.fileno()).st_size
    if size > LARGEST:
        raise ValueError(f"it has more than {LARGEST >> 20:,} MiB")
    scanned = pl.scan_parquet(path, hive_partitioning=False, glob=False)
    have = scanned.collect_schema()
    lacking = [name for name in CORE if name not in have]
    if lacking:
        raise ValueError(f"it has no column '{lacking[0]}'")
    if scanned.select(pl.len()).collect().item() > MOST_ROWS:
        raise ValueError(f"it has more than {MOST_ROWS:,} rows")
    frame = scanned.select([name for name in wanted if name in have]).collect()
    table = frame.select(_typed(frame, name, TYPES[kind]) for name, kind in wanted.items())
    return table, tuple(name for name in wanted if name in have)


def _typed(frame: "pl.DataFrame", name: str, kind: Any) -> "pl.Series":
    """A column as what it should be; cells that are something else are missing."""
    if name not in frame.columns:
        return pl.Series(name, [None] * frame.height, dtype=kind)
    cells = frame[name]
    if kind == pl.Float64 and cells.dtype.is_temporal():
        cells = cells.to_physical()
    if kind == US and isinstance(cells.dtype, pl.Datetime):
        naive = cells.dtype.time_zone is None
        cells = cells.dt.replace_time_zone("UTC") if naive else cells.dt.convert_time_zone("UTC")
        return cells.dt.cast_time_unit("us")
    if cells.dtype.is_nested() or cells.dtype == pl.Binary or kind == US:
        return pl.Series(name, [None] * frame.height, dtype=kind)
    cells = cells.cast(kind, strict=False)
    return cells.fill_nan(None) if kind == pl.Float64 else cells


def main() -> None:
    """Answer the request on standard input, within limits."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    confined.confine(request.parent, memory=request.memory)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no reply
    rows = 0
    for path in request.paths:
        confined.more_cpu(CPU_SECONDS)
        table = b""
        if rows >= MOST_ROWS:
            reply = Reply(skipped=True)
        else:
            try:
                frame, names = read(Path(path), request.columns)
                buffer = io.BytesIO()
                frame.write_ipc(buffer)
                table, rows = buffer.getvalue(), rows + frame.height
                reply = Reply(bytes=len(table), names=names, rows=frame.height)
            except (OSError, ValueError, MemoryError, *_columnar.errors()) as error:  # type: ignore[misc]
                reply = Reply(wrong=_columnar.reason(error))
        replies.write(msgspec.json.encode(reply) + b"\n")
        replies.write(table)
        replies.flush()


if __name__ == "__main__":
    main()
    # Threads of libraries need not end first.
    sys.stdout.flush()
    os._exit(0)
