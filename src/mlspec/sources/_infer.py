"""Column types from the first rows of text, without a data engine."""

import re
from collections.abc import Collection, Iterable, Sequence

from mlspec.plugins.base import Column, ColumnType, Schema

_INTEGER = re.compile(r"[-+]?\d{1,18}$")
_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}$")
_DATETIME = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]\d{1,2}:\d{2}")
_BOOLEAN = frozenset({"true", "false"})


def columns(names: Sequence[str], rows: Iterable[Sequence[str]], missing: frozenset[str]) -> Schema:
    """The columns of a text table, each of the narrowest type that all its values in these rows have."""
    # A value is looked at once, however often it is there.
    values = [set(cells) - missing for cells in zip(*rows, strict=True)] or [set[str]() for _name in names]
    return tuple(Column(name, narrowest(cells)) for name, cells in zip(names, values, strict=True))


def narrowest(cells: Collection[str]) -> ColumnType:
    """The narrowest type that all these cells have; category where there are none."""
    if not cells:
        return "category"
    if all(map(_INTEGER.match, cells)):
        return "integer"
    if all(map(_is_number, cells)):
        return "number"
    if all(cell.lower() in _BOOLEAN for cell in cells):
        return "boolean"
    if all(map(_DATE.match, cells)):
        return "date"
    if all(map(_DATETIME.match, cells)):
        return "datetime"
    return "category"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
