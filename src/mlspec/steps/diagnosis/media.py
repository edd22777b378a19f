"""Pictures as a few numbers, and which columns hold texts, for checks with small models."""

import polars as pl

from mlspec.transforms.image import pixels

SIDE = 4
MOST_ROWS = 4_000
TEXT_LENGTH, TEXT_DISTINCT = 20, 0.5  # characters of the mean text, and how many of them occur once


def columns(frame: "pl.LazyFrame") -> list[str]:
    """The columns that hold pictures."""
    return [name for name, kind in frame.collect_schema().items() if kind == pl.Binary]


def summarised(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    """Each picture as the brightness of its 4 x 4 parts, a column each; other columns stay."""
    found = columns(frame)
    if not found:
        return frame
    kind = pl.Array(pl.Float32, SIDE * SIDE)
    frame = frame.with_columns(
        pl.col(name).map_batches(_parts, return_dtype=kind, is_elementwise=True) for name in found
    )
    return frame.select(
        expression
        for name in frame.collect_schema()
        for expression in (
            [pl.col(name).arr.get(k).alias(f"{name}, part {k + 1} of {SIDE * SIDE}") for k in range(SIDE * SIDE)]
            if name in found
            else [pl.col(name)]
        )
    )


def _parts(cells: "pl.Series") -> "pl.Series":
    shape = (SIDE, SIDE, 1)
    made = [None if cell is None else pixels(cell, shape, f"a cell of column '{cells.name}'") for cell in cells]
    return pl.Series(cells.name, made, dtype=pl.Array(pl.Float32, SIDE * SIDE))


def texts(rows: "pl.DataFrame") -> list[str]:
    """The columns that hold texts: mostly different, and long."""
    found = []
    for name, kind in rows.schema.items():
        if kind == pl.String and rows[name].n_unique() > TEXT_DISTINCT * rows.height:
            length = rows[name].str.len_chars().mean()
            if isinstance(length, float) and length >= TEXT_LENGTH:
                found.append(name)
    return found
