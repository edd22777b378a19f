"""Columns to their types, with the first value that does not fit named."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from mlspec.diagnostics import StepError
from mlspec.plugins.base import Column, Schema
from mlspec.sources import _dates, _nested

if TYPE_CHECKING:
    import polars as pl


def dtype(column: Column) -> "pl.DataType | type[pl.DataType]":
    """The polars type of a column type."""
    import polars as pl

    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "integer": pl.Int64,
        "number": pl.Float64,
        "boolean": pl.Boolean,
        "category": pl.String,
        "date": pl.Date,
        "datetime": pl.Datetime("us"),
        "image": pl.Binary,
        "code": pl.Int32,
        "other": pl.Boolean,
    }
    return types[column.type]


def from_text(frame: "pl.LazyFrame", columns: Schema, path: str, *, lenient: bool = False) -> "pl.LazyFrame":
    """Columns of text cast to their types. Raises StepError for a value that does not fit, after one scan; ``lenient``:
    it is null."""
    if lenient:
        return frame.select([parsed(column).alias(column.name) for column in columns])
    return frame.select([expression.alias(name) for name, expression in _fitting(frame, columns, path).items()])


def to_types(frame: "pl.LazyFrame", columns: Schema, path: str) -> "pl.LazyFrame":
    """Typed columns cast to their types. Raises StepError where one is missing, or holds what does not fit."""
    import polars as pl

    have = frame.collect_schema()
    lists = {c.name: found for c in columns if c.name not in have and (found := _nested.number_of(c.name, have))}
    for column in columns:
        if column.name not in have and column.name not in lists:
            raise StepError(f"{path} has no column '{column.name}' any more")
    _nested.demand_one_width(frame, {name for name, _at in lists.values()}, path)
    own = tuple(c for c in columns if c.name in have)
    text = tuple(c for c in own if have[c.name] == pl.String and c.type not in ("category", "code", "other"))
    fitting = _fitting(frame, text, path)
    wide = _wide(frame, own, path)
    picked = []
    for column in columns:
        if column.name in lists:
            cell, given = _nested.number(*lists[column.name], have)
        else:
            cell, given = pl.col(column.name), have[column.name]
        wanted = wide.get(column.name, dtype(column))
        expression = fitting.get(column.name)
        if expression is None and column.type == "other":
            expression = pl.when(cell.is_not_null()).then(True)
        if expression is None:
            if (column.type == "category" and given.is_numeric()) or isinstance(given, pl.Categorical | pl.Enum):
                cell = (cell.fill_nan(None) if given.is_float() else cell).cast(pl.String)
            if given.is_float() and column.type == "integer":
                wanted = pl.Float64
            expression = cell.cast(wanted)
        picked.append(expression.alias(column.name))
    return frame.select(picked)


def _wide(frame: "pl.LazyFrame", columns: Schema, path: str) -> "dict[str, type[pl.DataType]]":
    """The columns of integers beyond 64 bits with a sign, by name. Raises StepError where 64 bits are not enough."""
    import polars as pl

    found: dict[str, type[pl.DataType]] = {}
    for name, (least, most) in _ends(frame, columns).items():
        if least < 0 or most >= 2**64:
            raise StepError(
                f"column '{name}' of {path} has integers beyond 64 bits: write data.columns.types: {{{name}: category}}"
            )
        found[name] = pl.UInt64
    return found


def exact(columns: Schema, frame: "pl.LazyFrame") -> Schema:
    """The columns, those of integers that no 64 bits hold as text."""
    beyond = {name for name, (least, most) in _ends(frame, columns).items() if least < 0 or most >= 2**64}
    hint = "its integers have more than 64 bits: they are read as text"
    return tuple(replace(c, type="category", hint=hint) if c.name in beyond else c for c in columns)


def _ends(frame: "pl.LazyFrame", columns: Schema) -> dict[str, tuple[int, int]]:
    """The least and the largest integer of the columns where one is beyond 64 bits with a sign."""
    import polars as pl

    have = frame.collect_schema()
    asked = [c.name for c in columns if c.type == "integer" and c.name in have and _is_wide(have[c.name])]
    if not asked:
        return {}
    ends = [getattr(pl.col(name), end)().alias(f"{end} {name}") for name in asked for end in ("min", "max")]
    seen = [None if end is None else int(end) for end in frame.select(ends).collect(engine="streaming").row(0)]
    pairs = zip(asked, seen[::2], seen[1::2], strict=True)
    return {
        name: (least, most)
        for name, least, most in pairs
        if least is not None and most is not None and not -(2**63) <= least <= most < 2**63
    }


def _is_wide(kind: "pl.DataType") -> bool:
    """Whether a type of integers holds some that 64 bits with a sign do not."""
    import polars as pl

    return kind in (pl.UInt64, pl.Int128, pl.UInt128) or (isinstance(kind, pl.Decimal) and not kind.scale)


def _fitting(frame: "pl.LazyFrame", columns: Schema, path: str) -> "dict[str, pl.Expr]":
    """Columns of text as their types, all at once. Raises StepError for a value that does not fit."""
    import polars as pl

    casts = {column.name: parsed(column) for column in columns}
    wrongs = {column.name: _given(column) & casts[column.name].is_null() for column in columns}
    bad = [e.any().alias(n) for n, e in wrongs.items()]
    wrong = frame.select(bad).collect(engine="streaming").row(0, named=True) if bad else {}
    for column in columns:
        if not wrong.get(column.name):
            continue
        if column.type == "integer":
            unsigned = _bare(pl.col(column.name)).cast(pl.UInt64, strict=False)
            if not frame.select((_given(column) & unsigned.is_null()).any()).collect(engine="streaming").item():
                casts[column.name] = unsigned
                continue
            # Decimals make it a number; an integer that no integer type holds would lose digits as one.
            wide = Column(column.name, "number", column.role)
            is_long = wrongs[column.name] & _bare(pl.col(column.name)).str.contains(r"^[-+]?\d+$")
            lost = frame.select(((_given(wide) & parsed(wide).is_null()) | is_long).any())
            if lost.collect(engine="streaming").item() is False:
                casts[column.name] = parsed(wide)
                continue
        found = (
            frame.with_row_index("__row__")
            .filter(wrongs[column.name])
            .select("__row__", column.name)
            .head(1)
            .collect()
            .row(0)
        )
        if column.type == "image":
            raise StepError(
                f"column '{column.name}' of {path} should contain images in base64, but row {found[0] + 1} does not"
            )
        shown = "another value" if column.role == "sensitive" else f"'{found[1]}'"
        raise StepError(
            f"column '{column.name}' of {path} is {_article(column.type)} in its first rows, but row {found[0] + 1} "
            f"has {shown}: write data.columns.types: {{{column.name}: category}}, or name the cell under `missing`"
        )
    return casts


def parsed(column: Column) -> "pl.Expr":
    """A column of text as its type, null where it does not fit."""
    import polars as pl

    cell = pl.col(column.name)
    if column.type == "other":
        return pl.when(cell.is_not_null()).then(True)
    if column.type == "boolean":
        low = cell.str.to_lowercase()
        return pl.when(low.is_in(["true", "1", "yes"])).then(True).when(low.is_in(["false", "0", "no"])).then(False)
    if column.type == "date":
        if column.form:
            return _formed(column, strict=False).dt.date()
        return cell.str.replace_all("/", "-").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    if column.type == "datetime":
        return _formed(column, strict=False) if column.form else _instant(cell)
    if column.type == "image":
        return cell.str.decode("base64", strict=False)
    return cell if column.type == "category" else _bare(cell).cast(dtype(column), strict=False)


def _given(column: Column) -> "pl.Expr":
    """Whether a cell of text has a value; a word such as NA is none in a column of numbers."""
    import polars as pl

    from mlspec.sources import _infer

    cell = pl.col(column.name)
    if column.type not in ("integer", "number"):
        return cell.is_not_null()
    return cell.is_not_null() & ~_bare(cell).is_in(["", *_infer.NOT_A_NUMBER])


def _bare(cell: "pl.Expr") -> "pl.Expr":
    """A number's text without the blanks around it."""
    return cell.str.strip_chars(" \t")


def _formed(column: Column, *, strict: bool) -> "pl.Expr":
    """Cells of a column's own date format as instants; times without a zone are taken as they are."""
    import polars as pl

    cell = pl.col(column.name)
    if _dates.kind_of(column.form) == "date":
        form, day = _dates.whole(column.form)
        return (cell + day).str.to_date(form, strict=strict).cast(pl.Datetime("us"))
    found = cell.str.to_datetime(column.form, strict=strict, time_unit="us")
    return (
        found.dt.replace_time_zone(None)
        if "%z" not in column.form
        else found.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    )


def _instant(cell: "pl.Expr") -> "pl.Expr":
    """A time in UTC; one without a zone is taken as it is. Null where it is none."""
    import polars as pl

    text = cell.str.replace_all("/", "-").str.replace(r"(\d)T", "$1 ").str.replace(",", ".", literal=True)
    zone = text.str.extract(r":\d{2}(?:\.\d+)?\s*(Z|UTC|[-+]\d{2}(?::?\d{2})?)$")
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    hours, minutes = (zone.str.extract(rf"^[-+]{part}$").cast(pl.Int64) for part in (r"(\d{2}).*", r"\d{2}:?(\d{2})"))
    offset = pl.duration(minutes=sign * (hours.fill_null(0) * 60 + minutes.fill_null(0)))
    local = text.str.strip_suffix(zone.fill_null("")).str.strip_chars_end(" ")
    forms = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d")
    return pl.coalesce(local.str.to_datetime(form, strict=False, time_unit="us") for form in forms) - offset


def demanded(column: Column) -> "pl.Expr":
    """A column of text as its type; what doesn't fit raises a PolarsError while the rows are read."""
    import polars as pl

    cell = pl.col(column.name)
    if column.type == "other":
        return pl.when(cell.is_not_null()).then(True)
    if column.type == "boolean":
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        return cell.str.to_lowercase().replace_strict(words, return_dtype=pl.Boolean)
    if column.type in ("date", "datetime") and column.form:
        return _formed(column, strict=True).cast(dtype(column))
    if column.type == "date":
        return cell.str.replace_all("/", "-").str.slice(0, 10).str.to_date("%Y-%m-%d")
    if column.type == "datetime":
        return cell.str.replace_all("/", "-").str.replace("T", " ").str.to_datetime(time_unit="us")
    if column.type == "image":
        return cell.str.decode("base64")
    return cell if column.type == "category" else cell.cast(dtype(column))


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def from_polars(schema: "pl.Schema") -> Schema:
    """A typed file's columns; one of a type that no model can read is ``other``, with a hint that says what it is."""
    import polars as pl

    found = []
    for name, kind in schema.items():
        if kind.is_integer() or (isinstance(kind, pl.Decimal) and not kind.scale):
            found.append(Column(name, "integer"))
        elif kind.is_float() or kind.is_decimal():
            found.append(Column(name, "number"))
        elif kind == pl.Boolean:
            found.append(Column(name, "boolean"))
        elif kind == pl.Date:
            found.append(Column(name, "date"))
        elif isinstance(kind, pl.Datetime):
            found.append(Column(name, "datetime"))
        elif kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum):
            found.append(Column(name, "category"))
        elif kind == pl.Binary:
            found.append(Column(name, "image"))
        else:
            found.append(Column(name, "other", hint=_nested.unusable(kind)))
    return tuple(found)
