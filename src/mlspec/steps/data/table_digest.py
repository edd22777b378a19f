"""The digest of a table's content: equal columns, types and rows give equal digests, whatever file they came in and
whatever version of the engine wrote it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from mlspec.spec.pinned import LockedRows
from mlspec.steps.data import parquet

BATCH = 131_072
MOST, SHORT = 32, 16


def digest(path: Path) -> str:
    """The digest of the rows of a Parquet or Arrow file, in their order."""
    table = pl.scan_ipc(path) if path.suffix == ".arrow" else pl.scan_parquet(path)
    schema = table.collect_schema()
    total = hashlib.sha256(repr([(name, str(kind)) for name, kind in schema.items()]).encode())
    count = int(table.select(pl.len()).collect().item())
    for at in range(0, count, BATCH):
        for column in table.slice(at, BATCH).collect():
            _add(total, column)
    return total.hexdigest()


def rows(path: Path, together: Sequence[str], most: int = MOST) -> LockedRows:
    """What identifies the rows of a Parquet file: the columns ``together`` (the target, the weight), and ``most``
    others. Which these are follows from their names, so that one more column replaces at most one of them."""
    table = pl.scan_parquet(path)
    schema = table.collect_schema()
    names, size = schema.names(), parquet.batch(schema)
    others = sorted(set(names) - set(together), key=lambda name: hashlib.sha256(name.encode()).digest())[:most]
    own, totals = hashlib.sha256(), {name: hashlib.sha256() for name in others}
    count = int(table.select(pl.len()).collect().item())
    for at in range(0, count, size):
        piece = table.slice(at, size).select(*together, *others).collect()
        for name in piece.columns:
            _add(totals.get(name, own), piece[name])
    columns = {name: total.hexdigest()[:SHORT] for name, total in totals.items()}
    return LockedRows(count=count, target=own.hexdigest()[:SHORT], columns=columns)


def _add(total: "hashlib._Hash", column: "pl.Series") -> None:
    total.update(np.packbits(column.is_null().to_numpy()).tobytes())
    if column.dtype == pl.String or isinstance(column.dtype, pl.Categorical | pl.Enum) or column.dtype == pl.Null:
        text = column.cast(pl.String).fill_null("")
        total.update(text.str.len_bytes().cast(pl.UInt32).to_numpy().tobytes())
        total.update(str(text.str.join("").item() or "").encode())
        return
    if column.dtype == pl.Binary:
        for value in column.fill_null(b""):
            total.update(len(value).to_bytes(8, "little") + value)
        return
    if column.dtype == pl.Boolean:
        column = column.cast(pl.UInt8)
    elif column.dtype.is_decimal():
        column = column.cast(pl.Float64)
    total.update(np.ascontiguousarray(column.to_physical().fill_null(0).to_numpy()).tobytes())
