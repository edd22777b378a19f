"""Column types from the first rows of text, without a data engine."""

import re
from collections.abc import Collection, Iterable, Sequence

from mlspec.plugins.base import Column, ColumnType, Schema

NOT_A_NUMBER = ("NaN", "nan", "NAN", "NA", "N/A", "n/a", "null", "NULL", "None", "none", "?", "-")
"""Words that are missing values where all other cells of a column are numbers."""
LARGEST = 2**63 - 1
_INTEGER = re.compile(r"[-+]?\d+$", re.ASCII)
_CODE = re.compile(r"[-+]?0\d+$", re.ASCII)
_DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}$", re.ASCII)
_DATETIME = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*(Z|UTC|[-+]\d{2}(:?\d{2})?)?)?$", re.ASCII
)
_BOOLEAN = frozenset({"true", "false"})


def columns(names: Sequence[str], rows: Iterable[Sequence[str]], missing: frozenset[str]) -> Schema:
    """The columns of a text table, each of the narrowest type that all its values in these rows have."""
    # A value is looked at once, however often it is there.
    values = [set(cells) - missing for cells in zip(*rows, strict=True)] or [set[str]() for _name in names]
    return tuple(Column(name, narrowest(cells)) for name, cells in zip(names, values, strict=True))


def narrowest(cells: Collection[str]) -> ColumnType:
    """The narrowest type that all these cells have; category where there are none.

    Integers beyond 64 bits, and those with leading zeros, are codes: category. Blanks around a number do not count, nor
    do ``NOT_A_NUMBER``.
    """
    numbers = {cell.strip(" \t") for cell in cells} - {"", *NOT_A_NUMBER}
    if numbers and all(map(_INTEGER.match, numbers)):
        is_code = any(_CODE.match(cell) or not -LARGEST - 1 <= int(cell) <= LARGEST for cell in numbers)
        return "category" if is_code else "integer"
    if numbers and all(map(_is_number, numbers)):
        return "category" if any(map(_CODE.match, numbers)) else "number"
    if not cells:
        return "category"
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
    return "_" not in cell and cell.isascii()
