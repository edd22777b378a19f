"""Frames, and Python's own dicts and lists, as rows for a model, and predictions in the same form."""

import datetime
import decimal
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from mlspec.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    import polars as pl

    from mlspec.steps.serving.new_rows import Fault

    Read = Callable[[Iterable[str]], tuple[pl.DataFrame, list[Fault]]]
    Back = Callable[[Sequence[pl.Series], Sequence[str], pl.Series | None], Any]

CELLS = (str, bytes, bool, int, float, decimal.Decimal, datetime.date)  # what a cell can be
MISSING = ("NAType", "NaTType")  # pandas has types of its own for what is missing


class Frame(Protocol):
    """A frame of any library."""

    @property
    def columns(self) -> Any:
        """Its columns, or their names."""


class Given(NamedTuple):
    """Rows in a form of the user's: the names of their columns; some columns for the data engine, with the cells that
    it can't hold; and predictions in that form, behind the columns to be kept, without the rows that were refused."""

    names: list[str]
    read: "Read"
    back: "Back"


def given(data: Any) -> Given:
    """Rows in any form that is known. Raises SpecError for others."""
    if isinstance(data, Mapping):
        columns = {name: _listed(value) for name, value in data.items()}
        single = next((name for name, values in columns.items() if values is None), None)
        if all(values is None for values in columns.values()):
            return _dict({name: [value] for name, value in data.items()}, _first)
        if single is not None:
            raise _unknown(f"'{single}' is a single value, but other columns are lists")
        return _dict({name: values for name, values in columns.items() if values is not None}, lambda made: made)
    if isinstance(data, list | tuple) and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        return _dict({name: [row.get(name) for row in data] for name in names}, _rows)
    import polars as pl

    if isinstance(data, pl.DataFrame) and pl.Object not in data.dtypes:
        return _polars(data)
    import narwhals as nw

    try:
        frame: Any = nw.from_native(data)
        names = frame.collect_schema().names()
    except TypeError:
        raise _unknown(f"they are of the type {type(data).__name__}") from None
    except nw.exceptions.DuplicateError:
        raise _unknown("several of their columns have the same name") from None
    if not all(isinstance(name, str) for name in names):
        raise _unknown("the names of their columns are no texts: frame.columns = frame.columns.astype(str)")
    return _native(frame)


def _unknown(why: str) -> SpecError:
    way = "give a file, a frame (pandas, polars, pyarrow), a dict of columns, a dict of one row, or a list of dicts"
    return SpecError([Diagnostic(code="format-unclear", message=f"the rows can't be read: {why}", notes=(way,))])


def _listed(value: Any) -> "list[Any] | None":
    """The values of a column, None for a single value."""
    if isinstance(value, list | tuple):
        return list(value)
    shape = getattr(value, "shape", None)  # of an array or a series
    if not shape:
        return None
    if len(shape) != 1:
        raise _unknown("an array of a column must have one dimension")
    return list(value)


def _dict(columns: dict[Any, list[Any]], form: "Callable[[dict[str, list[Any]]], Any]") -> Given:
    """Columns of Python's values, and the form of the answer."""
    import polars as pl

    heights = {name: len(values) for name, values in columns.items()}
    if len(set(heights.values())) > 1:
        said = ", ".join(f"'{name}' {count:,}" for name, count in list(heights.items())[:10])
        raise _unknown(f"its columns have different numbers of rows: {said}")

    def read(only: Iterable[str]) -> "tuple[pl.DataFrame, list[Fault]]":
        made = [_series(name, columns[name]) for name in only if name in columns]
        return pl.DataFrame([one for one, _ in made]), [fault for _, fault in made if fault is not None]

    def back(made: "Sequence[pl.Series]", keep: Sequence[str], refused: "pl.Series | None") -> Any:
        kept = {name: columns[name] for name in keep}
        if refused is not None:
            kept = {n: [v for v, bad in zip(values, refused, strict=True) if not bad] for n, values in kept.items()}
        return form({**kept, **{one.name: one.to_list() for one in made}})

    return Given(list(columns), read, back)


def _first(made: dict[str, list[Any]]) -> dict[str, Any]:
    """The only row; nothing where it was refused."""
    return {name: values[0] for name, values in made.items() if values}


def _rows(made: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)]


def _polars(frame: "pl.DataFrame") -> Given:
    """A frame of the data engine itself: nothing is converted, so that an answer for one row takes no longer."""
    import polars as pl

    def back(made: "Sequence[pl.Series]", keep: Sequence[str], refused: "pl.Series | None") -> Any:
        kept = [frame[name] if refused is None else frame[name].filter(~refused) for name in keep]
        return pl.DataFrame([*kept, *made])

    return Given(frame.columns, lambda only: (pl.DataFrame([frame[name] for name in only]), []), back)


def _native(frame: Any) -> Given:
    """A frame of a library that narwhals knows."""
    import narwhals as nw
    import polars as pl

    whole = frame.collect() if isinstance(frame, nw.LazyFrame) else frame

    def read(only: Iterable[str]) -> "tuple[pl.DataFrame, list[Fault]]":
        names = [name for name in only if name in whole.columns]
        native = whole.select(names).to_native()
        if whole.implementation.is_polars() or whole.implementation.is_pyarrow():
            columns = {one.name: one for one in pl.DataFrame(native)}
            held = {name for name, column in columns.items() if column.dtype != pl.Object}
        else:
            numpy = {name for name in names if getattr(native[name].dtype, "kind", "") in "iufbM"}
            held = {name for name in numpy if type(native[name].dtype).__module__.startswith("numpy")}
            columns = {name: pl.Series(name, whole[name].to_numpy()) for name in held}
        made = [(columns[n], None) if n in held else _series(n, whole[n].to_list()) for n in names]
        return pl.DataFrame([one for one, _ in made]), [fault for _, fault in made if fault is not None]

    def back(made: "Sequence[pl.Series]", keep: Sequence[str], refused: "pl.Series | None") -> Any:
        types: dict[Any, Any] = {
            pl.Float64: nw.Float64,
            pl.Int64: nw.Int64,
            pl.Boolean: nw.Boolean,
            pl.String: nw.String,
        }
        rows = whole if refused is None else whole.filter((~refused).to_list())
        columns: list[Any] = [
            nw.from_native(one, series_only=True)
            if whole.implementation.is_polars()
            else nw.new_series(
                one.name,
                one.to_list() if one.dtype == pl.String else one.to_numpy(),
                dtype=types.get(type(one.dtype), nw.String),
                backend=whole.implementation,
            )
            for one in made
        ]
        done = rows.with_columns(*columns).select(*keep, *(one.name for one in made))
        return (done.lazy(frame.implementation) if whole is not frame else done).to_native()

    return Given(list(whole.columns), read, back)


def _series(name: str, values: Iterable[Any]) -> "tuple[pl.Series, Fault | None]":
    """Python's values as a column, and those that it can't hold."""
    import polars as pl

    from mlspec.steps.serving.new_rows import Fault

    cells = [_cell(value) for value in values]
    strange = [cell is not None and not isinstance(cell, CELLS) for cell in cells]
    fault = None
    if any(strange):
        kind = type(cells[strange.index(True)]).__name__
        fault = Fault(name, f"is of the type {kind}, which is no single value", pl.Series(strange))
        cells = [None if odd else cell for cell, odd in zip(cells, strange, strict=True)]
    return _column(name, cells), fault


def _column(name: str, cells: list[Any]) -> "pl.Series":
    import polars as pl

    types = {type(cell) for cell in cells if cell is not None}
    if types == {int}:
        known = [cell for cell in cells if cell is not None]
        for type_, low, high in ((pl.Int64, -(2**63), 2**63), (pl.UInt64, 0, 2**64)):
            if low <= min(known) and max(known) < high:
                return pl.Series(name, cells, dtype=type_)
    elif types <= {int, float, decimal.Decimal} and types:
        return pl.Series(name, [None if cell is None else _float(cell) for cell in cells], dtype=pl.Float64)
    elif types == {datetime.date, datetime.datetime}:
        whole = pl.Series(name, [cell.isoformat() if cell else None for cell in cells], dtype=pl.String)
        return whole.str.to_datetime(format=None, strict=False, time_unit="us")
    elif len(types) <= 1:
        return pl.Series(name, cells)
    texts = [None if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in cells]
    return pl.Series(name, texts, dtype=pl.String)


def _float(cell: "int | float | decimal.Decimal") -> float:
    try:
        return float(cell)
    except OverflowError:  # an integer beyond all floats
        return math.inf if cell > 0 else -math.inf


def _cell(value: Any) -> Any:
    """A value as one of Python's own types, None where it is missing, and times in UTC."""
    if value is None or type(value) in (str, bool, int):
        return value
    if type(value).__name__ in MISSING:
        return None
    if type(value).__module__ == "numpy" and not getattr(value, "shape", (0,)):
        value = value.astype("datetime64[us]").item() if value.dtype.kind == "M" else value.item()
    if isinstance(value, float | decimal.Decimal):
        return None if value != value else value
    if isinstance(value, datetime.datetime):
        value = value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
        return value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)
    return str(value) if isinstance(value, str) else int(value) if isinstance(value, int) else value
