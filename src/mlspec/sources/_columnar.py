"""What files of typed columns share: a look at their cells, and errors of the data engine as ValueErrors."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from mlspec.machine import safe_files
from mlspec.plugins.base import Column, Schema
from mlspec.sources import _bounds, _disguise

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")
INDEX = "__index_level_0__"  # the name under which pandas writes the numbers of rows
BARE = ("other", "image")  # types whose cells have no text
LOOKED_INTO = 256 << 20  # bytes of a file whose cells are looked at: a group of its rows has to be in memory


def asked(path: Path, kind: str, ask: Callable[[Path], T]) -> T:
    """What the data engine says of a regular file. Raises OSError and ValueError as ``Source.columns`` does."""
    import polars as pl

    with safe_files.opened(path) as file:  # an OSError says more than the engine would
        start = file.read(_disguise.LONGEST)
    try:
        return ask(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        other = _disguise.disguise(start) or _disguise.text(start)
        is_own = kind.split()[-1] in other
        raise ValueError(f"not {kind} file: {reason(error)}" if is_own or not other else other) from None


def columns(frame: "pl.LazyFrame", path: Path) -> Schema:
    """The columns of a file, from its footer and, where that does not say enough, its first cells."""
    from mlspec.sources import _cast, _nested

    have = frame.collect_schema()
    found = _marked(_cast.from_polars(have))
    if path.stat().st_size <= LOOKED_INTO:
        return _cast.exact(_nested.expanded(found, frame, _bounds.ROWS), frame.head(_bounds.ROWS))
    large = f"files of more than {LOOKED_INTO >> 20} MiB are looked into by `mlspec profile` and `mlspec run` alone"
    return tuple(replace(c, hint=f"{c.hint}; {large}") if _nested.is_list(have[c.name]) else c for c in found)


def whole(frame: "pl.LazyFrame") -> Schema:
    """The columns of a file with the types that hold for all rows."""
    from mlspec.sources import _cast, _nested

    return _cast.exact(_nested.expanded(_marked(_cast.from_polars(frame.collect_schema())), frame, None), frame)


def together(files: Iterable[Schema]) -> Schema:
    """The columns of several files with the types that hold for all of them."""
    found: dict[str, Column] = {}
    for column in (column for columns in files for column in columns):
        found[column.name] = _both(found.get(column.name, column), column)
    return tuple(found.values())


def _marked(columns: Schema) -> Schema:
    """The columns; of the row numbers that pandas writes, what they are."""
    return tuple(
        replace(c, role="unused", hint="it is the index that pandas writes") if c.name == INDEX else c for c in columns
    )


def _both(one: Column, other: Column) -> Column:
    """A column of two files."""
    from mlspec.sources import _nested

    if one.type == other.type or other.hint == _nested.NO_VALUES:
        return one
    if one.hint == _nested.NO_VALUES or other.type == "other":
        return other
    if one.type == "other":
        return one
    kinds = {one.type, other.type}
    if kinds == {"integer", "number"}:
        return replace(one, type="number")
    return replace(one, type="datetime" if kinds == {"date", "datetime"} else "category")


def values(frame: "pl.LazyFrame", column: str) -> tuple[tuple[str, ...], bool] | None:
    """A column's first values as text, missing ones left out, and whether these are all; at most ``_bounds.ROWS``
    and ``_bounds.BYTES`` of them. None where cells are no text."""
    import polars as pl

    from mlspec.sources import _cast, _nested

    have = frame.collect_schema()
    number = _nested.number_of(column, have) if column not in have else None
    if number is None and (column not in have or _cast.from_polars(pl.Schema({column: have[column]}))[0].type in BARE):
        return None
    cell = pl.col(column) if number is None else _nested.number(*number, have)[0]
    cell = cell.fill_nan(None) if column in have and have[column].is_float() else cell
    head = frame.select(cell.cast(pl.String).alias(column)).head(_bounds.ROWS + 1).collect()[column]
    sizes = head.str.len_bytes().fill_null(0).cum_sum()
    within = int((sizes <= _bounds.BYTES).sum())
    cells = head[: min(within, _bounds.ROWS)]
    return tuple(cells.drop_nulls().to_list()), len(head) == len(cells)


def errors() -> tuple[type[BaseException], ...]:
    """What the data engine raises of a file that it can't read (an OSError then has no number), and StepError."""
    import polars as pl

    from mlspec.diagnostics import StepError

    return (pl.exceptions.PolarsError, pl.exceptions.PanicException, StepError, OSError)


def reason(error: BaseException) -> str:
    """What the data engine says, on one line."""
    import polars as pl

    if isinstance(error, pl.exceptions.PanicException):
        return "it is damaged"  # for a panic, the engine prints its own location
    text = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return f"it is cut short ({text})" if "unexpected end of file" in text else text
