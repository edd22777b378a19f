"""Rows that a model is to predict: each column as the type that the model expects, and every cell that does not fit."""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import numpy as np
import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from mlspec.plugins.base import Column, ColumnType
from mlspec.sources import _cast, _infer
from mlspec.steps.serving.cells import EXPECTED as EXPECTED
from mlspec.steps.serving.package import FEW, Seen
from mlspec.steps.serving.package_format import About

FITTING: "Mapping[Any, tuple[str, ...]]" = {
    pl.Boolean: ("boolean", "integer", "number", "category"),
    pl.Date: ("date", "datetime", "category"),
    pl.Datetime: ("date", "datetime", "category"),
}
NOTHING: "Mapping[Any, Any]" = {  # what a row has in a column that is missing everywhere, to try another column
    pl.Int64: 0,
    pl.UInt64: 0,
    pl.Float64: 0.0,
    pl.Boolean: False,
    pl.String: "",
    pl.Date: datetime.date(2000, 1, 1),
    pl.Datetime: datetime.datetime(2000, 1, 1),
    pl.Binary: b"",
}
NO_FORMS: Mapping[str, str] = MappingProxyType({})
EXACT = 2.0**53  # the integers below are exact as floats
LARGEST = float(np.finfo(np.float32).max)  # models have their features as such
LONGEST = 60  # characters of a value that are shown
MOST = 100  # examples of unseen categories that are looked at


def dtype(kind: str) -> Any:
    """The data engine's type of a column's type."""
    return _cast.dtype(Column("", cast(ColumnType, kind)))


class Refused(Struct, frozen=True, kw_only=True):
    """A row that can't be predicted, and why: one of its cells, or (``column`` is empty) all of it.

    ``row`` counts from 0; ``line`` of ``file`` counts from 1, None where the format has no lines. ``value`` is None
    where it is missing, and in columns about people.
    """

    row: int
    reason: str
    column: str = ""
    value: str | None = None
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line is not None else f"row {self.row + 1}"
        place = f"{self.file}, {place}" if self.file else place
        if not self.column:
            return f"{place}: {self.reason}"
        value = "the value" if self.value is None else f"'{self.value}'"
        return f"{place}, column '{self.column}': {value} {self.reason}"


class Fault(NamedTuple):
    """Rows that can't be predicted for the same reason: a mask of all rows."""

    column: str
    reason: str
    wrong: "pl.Series"


def wanted(about: About, present: Collection[str]) -> dict[str, str]:
    """The columns, with their types, that rows with these columns must have: derived ones count if all are there."""
    made = {} if about.derived is None else {name: kind for name, _text, kind in about.derived["expressions"]}
    if not made or not all(name in present for name in made):
        return dict(about.raw_columns())
    treated = {name: kind for name, kind, _ in about.treatments or ()}
    groups = () if about.groups is None else about.groups.columns
    return {name: treated.get(name, kind) for name, kind in {**made, **dict(about.columns), **dict(groups)}.items()}


def hidden(about: About) -> set[str]:
    """The columns about people, whose values no message may show."""
    groups = () if about.groups is None else about.groups.columns
    treated = {name for name, _kind, _treatment in about.treatments or ()}
    return treated | {name for name, _kind in groups} | {*(about.hidden or ())}


def fitted(
    frame: "pl.DataFrame",
    kinds: Mapping[str, str],
    *,
    parsed: "Mapping[str, pl.Series] | None" = None,
    seen: Callable[[], Mapping[str, Seen]] = dict,
    dates: Mapping[str, str] = NO_FORMS,
) -> "tuple[pl.DataFrame, list[Fault]]":
    """These columns as their types, null where a cell does not fit, and which cells these are.

    ``parsed``: columns of text as their source reads them, null where it can't. ``seen``: what the columns of training
    rows had; asked only where numbers are given for categories. ``dates``: formats of dates beside ISO 8601.
    """
    casts: dict[str, pl.Expr] = {}
    wrongs: dict[str, pl.Expr] = {}
    rows = frame if frame.columns == list(kinds) else frame.select(list(kinds))
    types = rows.schema
    plain = [name for name, have in types.items() if isinstance(have, pl.Categorical | pl.Enum)]
    if plain:
        rows = rows.with_columns(pl.col(plain).cast(pl.String))
        types = rows.schema
    fitting = {kind: dtype(kind) for kind in set(kinds.values())}
    for name, kind in kinds.items():
        column, have = Column(name, cast(ColumnType, kind)), types[name]
        if have == fitting[kind]:
            continue
        if kind == "integer" and _are_unsigned(rows[name]):
            casts[name] = pl.col(name).str.strip_chars() if have == pl.String else pl.col(name)
            casts[name] = casts[name].cast(pl.UInt64, strict=False)
            wrongs[name] = _is_given(name, have) & casts[name].is_null()
        elif have == pl.String:
            known = None if parsed is None else parsed.get(name)
            column = replace(column, form=dates.get(name, ""))
            casts[name], wrongs[name] = _from_text(column, known)
        else:
            casts[name], wrongs[name] = _from_typed(column, have, seen)
    if not casts:
        return rows, []
    masks = rows.select(wrong.alias(name) for name, wrong in wrongs.items())
    made = rows.with_columns(made.alias(name) for name, made in casts.items())
    return made, [Fault(mask.name, f"is not {EXPECTED[kinds[mask.name]]}", mask) for mask in masks if mask.any()]


def _are_unsigned(cells: "pl.Series") -> bool:
    """Whether these are integers that only 64 bits without a sign hold, none below zero."""
    if cells.dtype != pl.String and not cells.dtype.is_integer():
        return False
    bare = cells.str.strip_chars() if cells.dtype == pl.String else cells
    unsigned = bare.cast(pl.UInt64, strict=False)
    signed = bare.cast(pl.Int64, strict=False)
    return bool((unsigned.is_not_null() & signed.is_null()).any()) and not (signed < 0).any()


def _is_given(name: str, have: "pl.DataType") -> "pl.Expr":
    """Whether a cell of a column of numbers has a value."""
    cell = pl.col(name)
    if have != pl.String:
        return cell.is_not_null()
    return cell.is_not_null() & ~cell.str.strip_chars().is_in(["", *_infer.NOT_A_NUMBER])


def _from_text(column: Column, known: "pl.Series | None") -> "tuple[pl.Expr, pl.Expr]":
    cell = pl.col(column.name)
    made = _cast.parsed(column) if known is None else pl.lit(known)
    if column.form and column.type in ("date", "datetime"):
        made = pl.coalesce(made, _cast.parsed(replace(column, form="")))
    bare = cell.str.strip_chars()
    if column.type == "image":
        return made, cell.is_not_null() & made.is_null()
    if column.type not in ("integer", "number"):
        return made, cell.is_not_null() & (bare != "") & made.is_null()
    if column.type == "integer":
        made = pl.coalesce(made, _whole(bare.cast(pl.Float64, strict=False)))  # 39.0, as pandas writes 39
    return made, _is_given(column.name, pl.String()) & made.is_null()


def _from_typed(
    column: Column, have: "pl.DataType", seen: Callable[[], Mapping[str, Seen]]
) -> "tuple[pl.Expr, pl.Expr]":
    kind, type_ = column.type, _cast.dtype(column)
    cell = pl.col(column.name)
    cell = cell.fill_nan(None) if have.is_float() else cell
    given, made = cell.is_not_null(), pl.lit(None, dtype=type_)
    if have.is_numeric():
        if kind == "integer":
            made = cell.cast(pl.Int64, strict=False) if have.is_integer() else _whole(cell.cast(pl.Float64))
        elif kind == "number":
            made = cell.cast(pl.Float64)
        elif kind == "boolean":
            made = pl.when((cell == 0) | (cell == 1)).then(cell == 1)
        elif kind == "category":
            made = cell.cast(pl.String)
            # A library that has no missing integers makes floats of them.
            if have.is_float() and not _has_decimals(seen().get(column.name)):
                whole = _whole(cell).cast(pl.String)
                made = pl.when((cell.is_null() | whole.is_not_null()).all()).then(whole).otherwise(made)
    elif kind in FITTING.get(have.base_type(), ()):
        zoned = isinstance(have, pl.Datetime) and kind == "date"
        made = cell.dt.date() if zoned else cell.cast(type_)
    return made, given & made.is_null()


def _has_decimals(known: Seen | None) -> bool:
    """Whether integers are written as 1.0 among the categories of a column."""
    return known is not None and any(level.endswith(".0") for level in known.levels or ())


def _whole(number: "pl.Expr") -> "pl.Expr":
    """A float as the integer that it is, null where it is none."""
    return pl.when((number == number.floor()) & (number.abs() <= EXACT)).then(number).cast(pl.Int64, strict=False)


def empty(frame: "pl.DataFrame") -> list[Fault]:
    """The rows in which every cell is missing; in a single column, a missing cell is a value like any other."""
    if not frame.height or not frame.width or any(not column.null_count() for column in frame):
        return []
    mask = frame.select(pl.all_horizontal(pl.all().is_null()).alias("empty")).to_series()
    return [Fault("", "the row is empty", mask)] if mask.any() else []


def unanswerable(rows: "pl.DataFrame", answers: Callable[["pl.DataFrame"], bool]) -> list[Fault]:
    """The missing values, and the numbers too large, that a model can't answer. ``answers``: whether it can some rows.

    Each is tried in a row that has a usual value in every other column. Empty where the model does not answer that row.
    """
    finite = {one.name: one.filter(one.abs() <= LARGEST) if one.dtype.is_float() else one.drop_nulls() for one in rows}
    usual = pl.DataFrame(
        [
            one.head(1) if len(one) else pl.Series(name, [NOTHING[one.dtype.base_type()]], dtype=one.dtype)
            for name, one in finite.items()
        ]
    )
    if not rows.height or not answers(usual):
        return []
    found = []
    for column in rows:
        missing = column.is_null()
        if column.dtype.is_float():
            missing |= column.is_nan().fill_null(False)
            large = ((column.abs() > LARGEST) & column.is_not_nan()).fill_null(False)
            if large.any() and not answers(usual.with_columns(column.filter(large).head(1))):
                found.append(Fault(column.name, "is too large for this model", large))
        nothing = pl.Series(column.name, [None], dtype=column.dtype)
        if missing.any() and not answers(usual.with_columns(nothing)):
            found.append(Fault(column.name, "is missing: this model takes no missing values here", missing))
    return found


def mask(faults: Iterable[Fault]) -> "pl.Series | None":
    """The rows that any of these is about, None where there are no faults."""
    found: pl.Series | None = None
    for fault in faults:
        found = fault.wrong if found is None else found | fault.wrong
    return found


def refused(faults: Sequence[Fault], raw: "pl.DataFrame", about: About, most: int | None = None) -> list[Refused]:
    """The cells of these faults in the order of rows, at most so many, with their values in ``raw``."""
    unseen = hidden(about)
    places = []
    for number, fault in enumerate(faults):
        at = fault.wrong.arg_true()
        places += [(row, number) for row in (at if most is None else at.head(most)).to_list()]
    found = []
    for row, number in sorted(places)[:most]:
        column, reason, _ = faults[number]
        value = None
        if column and column not in unseen and (cell := raw[column][row]) is not None:
            value = shown(cell)
            if reason == f"is not {EXPECTED['integer']}" and value.lstrip("+-").isdigit():
                reason = "is outside the range of 64-bit integers"
        found.append(Refused(row=row, reason=reason, column=column, value=value))
    return found


def shown(cell: object) -> str:
    """A value as a person reads it, cut off where it is long."""
    text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def unusual(frame: "pl.DataFrame", seen: Mapping[str, Seen], about: About) -> tuple[str, ...]:
    """How many rows have categories that no training row had, and missing values where none was missing, a line
    each."""
    found, types = [], frame.schema
    for name, known in seen.items():
        if name not in types:
            continue
        cells, strange = frame[name], list[str]()
        if known.levels is not None and types[name] == pl.String and not _all_in(cells, known.levels):
            strange = cells.filter(~cells.is_in(list(known.levels)) & cells.is_not_null()).to_list()
        found.append((name, cells.null_count() if known.complete else 0, strange))
    return _said(found, about)


def unusual_cells(rows: Sequence[Mapping[str, Any]], seen: Mapping[str, Seen], about: About) -> tuple[str, ...]:
    """The same of rows of Python's own values, whose cells fit their columns."""
    found = []
    kinds = dict(about.raw_columns())
    for name, known in seen.items():
        if name not in kinds:
            continue
        cells = [row[name] for row in rows]
        missing = sum(cell is None or cell != cell for cell in cells) if known.complete else 0
        strange: list[str] = []
        if known.levels is not None and kinds[name] == "category":
            strange = [cell for cell in cells if cell is not None and cell not in known.levels]
        if missing or strange:
            found.append((name, missing, strange))
    return _said(found, about)


def _said(found: Sequence[tuple[str, int, list[str]]], about: About) -> tuple[str, ...]:
    """The lines; of each column its name, the number of cells that should not be missing, and the unseen ones."""
    said, lacking = [], []
    for name, missing, strange in found:
        if missing:
            lacking.append(f"'{name}' ({_rows(missing)})")
        if strange:
            first = "" if name in hidden(about) else f": {_first(strange)}"
            said.append(f"'{name}' ({_rows(len(strange))}{first})")
    lines = {"categories that no training row had": said, "missing values where training rows had none": lacking}
    return tuple(f"{title}: {', '.join(places)}" for title, places in lines.items() if places)


def _all_in(cells: "pl.Series", levels: frozenset[str]) -> bool:
    """Whether all of few cells are among the levels; of many, the data engine knows sooner."""
    return len(cells) <= FEW and all(cell is None or cell in levels for cell in cells.to_list())


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _first(cells: Sequence[str], most: int = 3) -> str:
    found = list(dict.fromkeys(cells[:MOST]))
    return ", ".join([*(f"'{shown(cell)}'" for cell in found[:most]), *(["..."] if len(found) > most else [])])
