"""The types that all rows of a text table have, where the first ones are not all."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlspec.plugins.base import Column, Schema
from mlspec.sources import _dates, _infer
from mlspec.sources._header import Head

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 1_000  # distinct cells that a date's format is guessed from


def settled(frames: "Sequence[pl.LazyFrame]", columns: Schema, table: Head, missing: frozenset[str]) -> Schema:
    """The columns as ``_infer.columns`` would give them for all rows; ``columns`` are those of the rows in ``table``.

    ``frames`` are columns of text. One scan looks whether the types of the first rows hold, others at columns whose
    type does not, or is unclear. A column without a number in its first rows stays text.
    """
    import polars as pl

    rows = pl.concat(frames)
    cells = {name: {row[at] for row in table.rows} - missing for at, name in enumerate(table.names)}
    again = {c.name for c in columns if c.odd or (c.type == "category" and _is_unclear(cells[c.name]))}
    doubtful = tuple(c for c in columns if c.type != "category" and c.name not in again)
    for breaks in (_may_break, _breaks):
        if doubtful:
            seen = rows.select(breaks(c).any().alias(c.name) for c in doubtful).collect(engine="streaming")
            doubtful = tuple(c for c in doubtful if seen[c.name][0])
    again |= {c.name for c in doubtful}
    looks = _looks(rows, [c.name for c in columns if c.name in again])
    found = {c.name: _infer.decided(c.name, looks[c.name]) if c.name in looks else c for c in columns}
    lost = [c for c in columns if c.type != "category" and found[c.name].type == "category"]
    if lost:
        first = rows.select(pl.col(c.name).filter(_breaks(c)).first() for c in lost).collect().row(0, named=True)
        found |= {name: replace(found[name], odd=((cell, ""),)) for name, cell in first.items()}
    kept = {c.name: c.hint for c in columns if found[c.name].type == c.type}
    return tuple(replace(c, hint=c.hint or kept.get(c.name, "")) for c in found.values())


def _is_unclear(cells: Collection[str]) -> bool:
    return _infer.may_change(cells) or bool(_dates.fitting(cells))


def explained(column: Column, before: Column) -> Column:
    """A column whose type, ``before``, the first rows alone have: where another type comes first."""
    if column.type != "category" or not column.odd:
        return column
    place = column.odd[0][1] or "a later row"
    text = f"its first rows are {before.type}s, but {place} has something else: all of it is read as text"
    return replace(column, odd=(), hint=text)


def _may_break(column: Column) -> "pl.Expr":
    """Whether a cell may not have the type that the first ones have: a cheap question, as nearly all cells have it."""
    import polars as pl

    if column.type not in ("integer", "number"):
        return _breaks(column)
    cell = pl.col(column.name)
    after_zero = pl.any_horizontal(
        cell.str.starts_with(zero) & ~cell.str.starts_with(f"{zero}.") & (cell.str.len_bytes() > len(zero))
        for zero in ("0", "-0", "+0")
    )
    kind = pl.Int64 if column.type == "integer" else pl.Float64
    return cell.is_not_null() & (cell.cast(kind, strict=False).is_null() | after_zero)


def _breaks(column: Column) -> "pl.Expr":
    """Whether a cell does not have the type that the first ones have."""
    import polars as pl

    cell = pl.col(column.name)
    match column.type:
        case "integer":
            return _is_given(cell) & (
                _bare(cell).cast(pl.Int64, strict=False).is_null() | _whole(_bare(cell), _infer.CODE)
            )
        case "number":
            return _is_given(cell) & (~_is_number(_bare(cell)) | _whole(_bare(cell), _infer.CODE))
        case "boolean":
            return ~cell.str.to_lowercase().is_in(sorted(_infer.BOOLEAN))
        case "date" | "datetime":
            usual = _infer.DATE if column.type == "date" else _infer.DATETIME
            return ~_whole(cell, f"(?i){_dates.pattern(column.form)}" if column.form else usual)
    return pl.lit(value=False)


def _looks(rows: "pl.LazyFrame", names: Sequence[str]) -> dict[str, _infer.Look]:
    """A look at all cells of these columns."""
    import polars as pl

    if not names:
        return {}
    some = rows.select(pl.col(name).drop_nulls().unique().head(SAMPLE).implode() for name in names).collect()
    forms = {name: _dates.fitting(some[name][0]) for name in names}
    asked = [e.alias(f"{key}/{name}") for name in names for key, e in _questions(name, forms[name]).items()]
    seen = rows.select(asked).collect(engine="streaming").row(0, named=True)
    found = {}
    for name in names:
        of = {key.partition("/")[0]: value for key, value in seen.items() if key.partition("/")[2] == name}
        left = tuple(form for at, form in enumerate(forms[name]) if of.pop(f"form{at}"))
        found[name] = _infer.Look(**{**of, "odd": tuple(of["odd"]), "forms": left})
    return found


def _questions(name: str, forms: Iterable[str]) -> "dict[str, pl.Expr]":
    """What a look says, as aggregates."""
    import polars as pl

    cell = pl.col(name)
    bare = _bare(cell)
    given = _is_given(cell)
    number = given & _is_number(bare)
    integer = given & _whole(bare, _infer.INTEGER)
    beyond = bare.cast(pl.Int64, strict=False).is_null()
    unsigned = beyond & bare.cast(pl.UInt64, strict=False).is_not_null()
    odd = given & ~_is_number(bare)
    return {
        "some": cell.is_not_null().any(),
        "rows": cell.is_not_null().sum(),
        "numbers": bare.filter(number).n_unique(),
        "odd": cell.filter(odd).unique(maintain_order=True).head(_infer.FEW_ODD + 1).implode(),
        "odd_rows": odd.sum(),
        "integers": (integer | ~number).all(),
        "codes": (integer & (_whole(bare, _infer.CODE) | (beyond & ~unsigned))).any(),
        "unsigned": (integer & unsigned).any(),
        "negative": (integer & bare.str.starts_with("-")).any(),
        "booleans": cell.drop_nulls().str.to_lowercase().is_in(sorted(_infer.BOOLEAN)).all(),
        "dates": _whole(cell, _infer.DATE).all(),
        "datetimes": _whole(cell, _infer.DATETIME).all(),
        **{f"form{at}": _whole(cell, f"(?i){_dates.pattern(form)}").all() for at, form in enumerate(forms)},
    }


def _is_given(cell: "pl.Expr") -> "pl.Expr":
    return (cell.is_not_null() & ~_bare(cell).is_in(["", *_infer.NOT_A_NUMBER])).fill_null(value=False)


def _is_number(bare: "pl.Expr") -> "pl.Expr":
    import polars as pl

    return bare.cast(pl.Float64, strict=False).is_not_null()


def _bare(cell: "pl.Expr") -> "pl.Expr":
    return cell.str.strip_chars(" \t")


def _whole(cell: "pl.Expr", pattern: str) -> "pl.Expr":
    """Whether a pattern matches all of a cell."""
    return cell.str.contains(f"^(?:{pattern})$" if not pattern.startswith("(?i)") else f"(?i)^(?:{pattern[4:]})$")
