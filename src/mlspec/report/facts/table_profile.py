"""What a table holds, as frozen values: what ``mlspec profile`` shows and ``mlspec init`` proposes expectations from.

The published schema, ``schema/profile.schema.json``, follows from these types.
"""

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct

from mlspec.plugins.base import Schema
from mlspec.report.page.image_sizes import ImageSizes, sizes

if TYPE_CHECKING:
    import polars as pl

SHARES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
COMMON, MOST_CLASSES, MOST_CORRELATED, MOST_PAIRS, LEAST_CORRELATION = 5, 20, 40, 10, 0.3
AT_ONCE, CELL = 128 * 1024 * 1024, 8  # bytes of the columns that are read together, and of a cell of them
Detail = Literal["all", "counts"]


class Frequent(Struct, frozen=True):
    """A value and how many rows have it."""

    value: str
    rows: int


class ProfiledColumn(Struct, frozen=True, kw_only=True):
    """A column: of one that is sensitive or names rows, counts alone."""

    name: str
    type: str
    role: str = ""
    missing: Annotated[float, Meta(description="share of rows without a value")]
    distinct: Annotated[int, Meta(description="distinct values")]
    quantiles: Annotated[tuple[float, ...], Meta(description="0, 0.05, 0.25, 0.5, 0.75, 0.95 and 1; for numbers")] = ()
    mean: float | None = None
    deviation: Annotated[float | None, Meta(description="standard deviation, for numbers")] = None
    first: Annotated[str | None, Meta(description="the earliest time, for dates")] = None
    last: Annotated[str | None, Meta(description="the latest time, for dates")] = None
    lengths: Annotated[tuple[int, int] | None, Meta(description="characters of the shortest and longest text")] = None
    common: Annotated[tuple[Frequent, ...], Meta(description="the most frequent values, for categories")] = ()
    images: ImageSizes | None = None
    hint: Annotated[str, Meta(description="what is odd about its cells, and what to do")] = ""


class Correlation(Struct, frozen=True):
    """How two columns of numbers go together (Pearson)."""

    one: str
    other: str
    value: float


class TableProfile(Struct, frozen=True, kw_only=True):
    """A table: its columns, duplicates, correlations, the target's values."""

    format_version: Literal[1] = 1
    of: str
    rows: int
    duplicates: Annotated[int, Meta(description="rows that are equal to an earlier row")]
    columns: tuple[ProfiledColumn, ...]
    correlations: Annotated[
        tuple[Correlation, ...], Meta(description="the strongest, with an absolute value of at least 0.3")
    ] = ()
    notes: Annotated[tuple[str, ...], Meta(description="how the file was read, and what is odd about it")] = ()
    target: str | None = None
    balance: Annotated[tuple[Frequent, ...], Meta(description="the target's classes with their rows")] = ()


def profiled(
    rows: "pl.LazyFrame",
    schema: Schema,
    of: str,
    *,
    target: str | None = None,
    roles: Mapping[str, str] | None = None,
    hidden: Collection[str] = (),
    notes: tuple[str, ...] = (),
) -> TableProfile:
    """The profile of a table; values of ``hidden`` columns are not shown. ``notes`` are shown with it.

    One scan is for the whole, and one for as many columns as are in memory at a time.
    """
    import polars as pl

    types = {column.name: column.type for column in schema}
    hints = {column.name: column.hint for column in schema}
    # As in a run: what is no number is missing.
    rows = rows.with_columns(pl.col([name for name, kind in types.items() if kind == "number"]).fill_nan(None))
    # Rows, and pictures, count by a hash: all of them would have to be held at once.
    text = [pl.col(name).hash() if kind == "image" else pl.col(name) for name, kind in types.items()]
    asked: dict[str, pl.Expr] = {"rows": pl.len(), "unique": pl.struct(text).hash().n_unique()}
    numbers = [n for n, kind in types.items() if kind in ("integer", "number") and n not in hidden][:MOST_CORRELATED]
    pairs = [(a, b) for at, a in enumerate(numbers) for b in numbers[at + 1 :]]
    asked |= {f"r{index}": pl.corr(a, b) for index, (a, b) in enumerate(pairs)}
    seen = rows.select([e.alias(key) for key, e in asked.items()]).collect(engine="streaming").row(0, named=True)
    common: dict[str, list[Frequent]] = {}
    few = max(1, AT_ONCE // (CELL * max(1, seen["rows"])))
    for at in range(0, len(types), few):
        some = dict(list(types.items())[at : at + few])
        plain = [name for name, kind in some.items() if kind != "image"]
        held = rows.select(plain).collect(engine="streaming")
        for name, kind in some.items():
            measures = [e.alias(f"{key}/{name}") for key, e in _measures(name, kind, name in hidden).items()]
            if kind == "image":
                seen |= rows.select(measures).collect(engine="streaming").row(0, named=True)
                continue
            # In one piece, so that floats are added up in one order.
            column = held[name].rechunk().to_frame().lazy()
            seen |= column.select(measures).collect(engine="in-memory").row(0, named=True)
            if (kind in ("category", "boolean") and name not in hidden) or name == target:
                common[name] = [Frequent(value, count) for value, count in _counts(column, name).collect().iter_rows()]
        del held
    columns = tuple(
        _column(
            name,
            kind,
            seen,
            (roles or {}).get(name, ""),
            () if name in hidden else tuple(common.get(name, ())),
            sizes(rows, name) if kind == "image" and name not in hidden else None,
            hints[name],
        )
        for name, kind in types.items()
    )
    strong = [
        Correlation(a, b, round(seen[f"r{index}"], 4))
        for index, (a, b) in enumerate(pairs)
        if seen[f"r{index}"] is not None and abs(seen[f"r{index}"]) >= LEAST_CORRELATION
    ]
    classes = common.get(target or "", [])
    return TableProfile(
        of=of,
        rows=seen["rows"],
        duplicates=seen["rows"] - seen["unique"],
        columns=columns,
        correlations=tuple(sorted(strong, key=lambda found: (-abs(found.value), found.one, found.other))[:MOST_PAIRS]),
        notes=notes,
        target=target,
        balance=tuple(classes) if len(classes) <= MOST_CLASSES else (),
    )


def _measures(name: str, kind: str, hidden: bool) -> "dict[str, pl.Expr]":
    import polars as pl

    cell = pl.col(name).drop_nulls().hash() if kind == "image" else pl.col(name)
    found = {"missing": pl.col(name).null_count(), "distinct": cell.drop_nulls().n_unique()}
    if hidden:
        return found
    if kind in ("integer", "number"):
        number = cell.cast(pl.Float64)
        found |= {"quantiles": number.quantile(list(SHARES), "linear"), "mean": number.mean(), "std": number.std()}
    elif kind in ("date", "datetime"):
        found |= {"first": cell.min().cast(pl.String), "last": cell.max().cast(pl.String)}
    elif kind == "category":
        found |= {"shortest": cell.str.len_chars().min(), "longest": cell.str.len_chars().max()}
    return found


def _counts(rows: "pl.LazyFrame", name: str) -> "pl.LazyFrame":
    import polars as pl

    counts = rows.filter(pl.col(name).is_not_null()).group_by(pl.col(name).cast(pl.String).alias("value")).len()
    return counts.sort(["len", "value"], descending=[True, False]).head(MOST_CLASSES + 1)


def _column(
    name: str,
    kind: str,
    seen: Mapping[str, Any],
    role: str,
    common: tuple[Frequent, ...],
    images: ImageSizes | None,
    hint: str,
) -> ProfiledColumn:
    def of(key: str) -> Any:
        return seen.get(f"{key}/{name}")

    quantiles = of("quantiles") or ()
    shortest = of("shortest")
    return ProfiledColumn(
        name=name,
        type=kind,
        role=role,
        missing=of("missing") / max(seen["rows"], 1),
        distinct=of("distinct"),
        quantiles=tuple(map(float, quantiles)) if all(q is not None and math.isfinite(q) for q in quantiles) else (),
        mean=of("mean"),
        deviation=of("std"),
        first=of("first"),
        last=of("last"),
        lengths=None if shortest is None else (shortest, of("longest")),
        common=common[:COMMON] if kind in ("category", "boolean") else (),
        images=images,
        hint=hint,
    )
