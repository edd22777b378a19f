"""What all rows of a source show of its columns. Of a large table, what is costly is measured on rows that are evenly
spread over it, and missing values, ranges and the values of categories on all of them."""

from typing import Any

import numpy as np
import polars as pl

from mlspec.draft.head import MOST_LEVELS, MOST_VALUES, SHARES
from mlspec.draft.table import NUMBERS, TIMES, Level, Seen
from mlspec.plugins.base import Column, Schema

MOST_ROWS, MOST_CELLS, TEXTS, CHECKED, STEPS = 200_000, 40_000_000, 1_000, 300, 0.9
MEASURED = (*NUMBERS, *TIMES, "boolean", "category")


def looked_at(rows: "pl.LazyFrame", schema: Schema) -> "tuple[int, pl.DataFrame]":
    """How many rows there are, and those that are looked at, pictures and arrays left out; all of them if they are
    few, or evenly spread ones."""
    names = [column.name for column in schema if column.type in MEASURED]
    rows = rows.with_columns(pl.col([column.name for column in schema if column.type == "number"]).fill_nan(None))
    most = max(1_000, min(MOST_ROWS, MOST_CELLS // max(1, len(names))))
    every = int(rows.select(pl.len()).collect(engine="streaming").item())
    some = rows.select(names)
    if every > most:
        some = some.gather_every(-(-every // most))
    return every, some.collect(engine="streaming")


def seen(
    rows: "pl.LazyFrame", every: int, held: "pl.DataFrame", schema: Schema, *, deep: bool = True
) -> tuple[Seen, ...]:
    """The columns, from the ``held`` rows; ``deep``: and, where these are not ``every`` row, from all rows."""
    is_all, cells = held.height == every, {column.name: column for column in held.get_columns()}
    found = [
        _column(column, cells[column.name], is_all=is_all)
        if column.name in cells
        else Seen(name=column.name, type=column.type, rows=held.height, distinct=held.height)
        for column in schema
    ]
    return tuple(found) if is_all or not deep else _of_all(rows, found)


def _column(column: Column, cells: "pl.Series", *, is_all: bool) -> Seen:
    kept = cells.drop_nulls()
    distinct = kept.n_unique() if len(kept) else 0
    ordered: Any = np.empty(0)
    is_finite = True
    if column.type in NUMBERS:
        numbers = kept.cast(pl.Float64).to_numpy()
        ordered = np.sort(numbers[np.isfinite(numbers)])
        is_finite = len(ordered) == len(numbers)
    shown = column.type in ("category", "boolean", "integer") or distinct <= MOST_LEVELS
    levels = _levels(kept) if shown and len(kept) else ()
    texts = kept.gather_every(max(1, len(kept) // TEXTS)) if column.type == "category" else None
    return Seen(
        name=column.name,
        type=column.type,
        rows=len(cells),
        missing=len(cells) - len(kept),
        distinct=distinct,
        levels=levels,
        values=_values(kept) if column.type in ("category", "integer") and len(kept) else (),
        least=float(ordered[0]) if len(ordered) and is_finite else None,
        greatest=float(ordered[-1]) if len(ordered) and is_finite else None,
        quantiles=tuple(float(ordered[round(share * (len(ordered) - 1))]) for share in SHARES * bool(len(ordered))),
        is_whole=bool(len(ordered)) and bool((ordered == np.floor(ordered)).all()),
        is_ordered=column.type in (*TIMES, *NUMBERS) and (cells.is_sorted() or cells.is_sorted(descending=True)),
        is_unique=is_all and distinct == len(cells) > 1,
        is_counted=is_all and column.type == "integer" and distinct == len(cells) == _reach(ordered),
        restarts=is_all and column.type == "integer" and _restarts(cells, distinct),
        has_all_levels=is_all and shown and distinct <= MOST_LEVELS,
        words=_mean(texts.str.count_matches(r"\S+")) if texts is not None else 0.0,
        characters=_mean(texts.str.len_chars()) if texts is not None else 0.0,
    )


def _restarts(cells: "pl.Series", distinct: int) -> bool:
    if distinct == len(cells) or cells.min() not in (0, 1):
        return False
    return float((cells.diff() == 1).sum()) >= STEPS * len(cells)


def _reach(ordered: Any) -> float:
    return float(ordered[-1] - ordered[0] + 1) if len(ordered) else -1.0


def _levels(kept: "pl.Series") -> tuple[Level, ...]:
    # A column may be called count.
    counts = kept.rename("value").value_counts(name="rows")
    common = counts.with_columns(pl.col("value").cast(pl.String)).sort(["rows", "value"], descending=[True, False])
    return tuple(Level(value, rows) for value, rows in common.head(MOST_LEVELS).iter_rows())


def _values(kept: "pl.Series") -> tuple[str, ...]:
    """Some distinct values, spread over the rows."""
    some = kept.gather_every(max(1, len(kept) // (5 * MOST_VALUES))).unique(maintain_order=True)
    return tuple(some.head(MOST_VALUES).cast(pl.String).to_list())


def _mean(values: "pl.Series") -> float:
    found: Any = values.mean()
    return float(found or 0.0)


def _of_all(rows: "pl.LazyFrame", found: "list[Seen]") -> tuple[Seen, ...]:
    """The columns with what is true of all rows; values are compared for the first columns alone if there are many."""
    import msgspec

    asked: list[pl.Expr] = []
    for at, column in enumerate(found):
        if column.type not in MEASURED:
            continue
        cell = pl.col(column.name)
        asked.append(cell.null_count().alias(f"missing/{at}"))
        if column.type in NUMBERS:
            asked += [cell.min().cast(pl.Float64).alias(f"least/{at}"), cell.max().cast(pl.Float64).alias(f"most/{at}")]
        if len(asked) > 8 * CHECKED:
            continue
        if column.distinct == column.present == column.rows:
            asked.append((cell.n_unique() == pl.len()).alias(f"unique/{at}"))
        elif column.type in ("category", "boolean", "integer") and column.distinct <= MOST_LEVELS:
            levels = [level.value for level in column.levels]
            asked.append(cell.drop_nulls().cast(pl.String).is_in(levels).all().alias(f"levels/{at}"))
    seen = rows.select(asked).collect(engine="streaming").row(0, named=True)
    every = int(rows.select(pl.len()).collect(engine="streaming").item())
    made = []
    for at, column in enumerate(found):
        share = seen.get(f"missing/{at}", 0) / max(every, 1)
        less, more = (seen.get(f"{end}/{at}") for end in ("least", "most"))
        made.append(
            msgspec.structs.replace(
                column,
                # Of the rows that were looked at; rounded up, so that none of all is forgotten.
                missing=-int(-share * column.rows // 1),
                least=_finite(less),
                greatest=_finite(more),
                is_unique=bool(seen.get(f"unique/{at}", False)),
                is_counted=bool(seen.get(f"unique/{at}", False))
                and column.type == "integer"
                and every == (more or 0) - (less or 0) + 1,
                has_all_levels=bool(seen.get(f"levels/{at}", False)),
            )
        )
    return tuple(made)


def _finite(value: float | None) -> float | None:
    return value if value is not None and np.isfinite(value) else None
