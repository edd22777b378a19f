"""The digest of a table's content: equal columns, types and rows give equal digests, whatever file they came in and
whatever version of the engine wrote it."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl

BATCH = 131_072


def digest(path: Path) -> str:
    """The digest of the rows of a Parquet or Arrow file, in their order."""
    table = pl.scan_ipc(path) if path.suffix == ".arrow" else pl.scan_parquet(path)
    schema = table.collect_schema()
    total = hashlib.sha256(repr([(name, str(kind)) for name, kind in schema.items()]).encode())
    rows = int(table.select(pl.len()).collect().item())
    for at in range(0, rows, BATCH):
        for column in table.slice(at, BATCH).collect():
            _add(total, column)
    return total.hexdigest()


def _add(total: "hashlib._Hash", column: "pl.Series") -> None:
    total.update(np.packbits(column.is_null().to_numpy()).tobytes())
    if column.dtype == pl.String or isinstance(column.dtype, pl.Categorical | pl.Enum) or column.dtype == pl.Null:
        text = column.cast(pl.String).fill_null("")
        total.update(text.str.len_bytes().cast(pl.UInt32).to_numpy().tobytes())
        total.update(str(text.str.join("").item() or "").encode())
        return
    if column.dtype == pl.Boolean:
        column = column.cast(pl.UInt8)
    elif column.dtype.is_decimal():
        column = column.cast(pl.Float64)
    total.update(np.ascontiguousarray(column.to_physical().fill_null(0).to_numpy()).tobytes())
