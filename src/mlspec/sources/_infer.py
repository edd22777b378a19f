"""Column types from cells of text, without a data engine."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.sources import _dates

NOT_A_NUMBER = ("NaN", "nan", "NAN", "NA", "N/A", "n/a", "null", "NULL", "None", "none", "?", "-")
"""Words that are missing values where all other cells of a column are numbers."""
LARGEST = 2**63 - 1
FEW_ODD, SHARE_ODD, LEAST_NUMBERS = 5, 0.01, 20
# Read by Python and by the data engine: digits are [0-9] for both.
INTEGER, CODE = "[-+]?[0-9]+", "[-+]?0[0-9]+"
DATE = "[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_ZONE = "[ \t]*(Z|UTC|[-+][0-9]{2}(:?[0-9]{2})?)?"
DATETIME = f"{DATE}([T ][0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}}([.,][0-9]+)?)?{_ZONE})?"
_INTEGER, _CODE, _DATE, _DATETIME = (re.compile(text).fullmatch for text in (INTEGER, CODE, DATE, DATETIME))
BOOLEAN = frozenset({"true", "false"})


class Look(Struct, frozen=True, kw_only=True):
    """What is true of all cells of a column that are not missing, ``some`` where there are any.

    ``numbers``: how many distinct cells are numbers, as far as it matters (``LEAST_NUMBERS``); ``odd``: the first cells
    of text among them, ``odd_rows`` how many there are in ``rows`` cells. ``codes``: integers with leading zeros, or
    beyond 64 bits.
    """

    some: bool
    rows: int = 0
    numbers: int = 0
    odd: tuple[str, ...] = ()
    odd_rows: int = 0
    integers: bool = False
    codes: bool = False
    booleans: bool = False
    dates: bool = False
    datetimes: bool = False
    forms: tuple[str, ...] = ()


def columns(names: Sequence[str], rows: Iterable[Sequence[str]], missing: frozenset[str]) -> Schema:
    """The columns of a text table, each of the narrowest type that all its values in these rows have."""
    looks = [_looked(cells, missing) for cells in zip(*rows, strict=True)] or [look({}) for _name in names]
    return tuple(decided(name, seen) for name, seen in zip(names, looks, strict=True))


def narrowest(cells: Collection[str]) -> ColumnType:
    """The narrowest type that all these cells have; category where there are none.

    Integers beyond 64 bits, and those with leading zeros, are codes: category. Blanks around a number do not count, nor
    do ``NOT_A_NUMBER``.
    """
    return decided("", look(dict.fromkeys(cells, 1))).type


def decided(name: str, seen: Look) -> Column:
    """A column of the type that its cells have. Few cells of text among many numbers are odd ones, not its type."""
    if seen.numbers and not seen.codes and (not seen.odd or _is_odd(seen)):
        return Column(name, "integer" if seen.integers else "number", odd=tuple((cell, "") for cell in seen.odd))
    if not seen.some or (seen.numbers and not seen.odd):
        return Column(name, "category")
    if seen.booleans:
        return Column(name, "boolean")
    if seen.dates:
        return Column(name, "date")
    if seen.datetimes:
        return Column(name, "datetime")
    if len(seen.forms) == 1:
        return Column(name, _dates.kind_of(seen.forms[0]), form=seen.forms[0])
    if seen.forms:
        return Column(name, "category", hint=_ambiguous(name, seen.forms))
    return Column(name, "category")


def look(counts: "Counter[str] | dict[str, int]") -> Look:
    """A look at these cells, each with how often it occurs."""
    bare = [cell for cell in map(_bare, counts) if cell and cell not in NOT_A_NUMBER]
    integers = list(filter(_INTEGER, bare))
    odd = []
    if len(integers) < len(bare):
        odd = [cell for cell in counts if (b := _bare(cell)) and b not in NOT_A_NUMBER and not is_number(b)]
    return Look(
        some=bool(counts),
        rows=sum(counts.values()),
        numbers=len(bare) - len(odd),
        odd=tuple(odd[: FEW_ODD + 1]),
        odd_rows=sum(counts[cell] for cell in odd),
        integers=len(integers) + len(odd) == len(bare),
        codes=any(_CODE(cell) or _is_long(cell) for cell in integers),
        booleans=all(cell.lower() in BOOLEAN for cell in counts),
        dates=all(map(_DATE, counts)),
        datetimes=all(map(_DATETIME, counts)),
        forms=_dates.fitting(counts) if odd else (),
    )


def together(one: Look, other: Look) -> Look:
    """A look at the cells of both; a number that both have counts twice."""
    odd = dict.fromkeys((*one.odd, *other.odd))
    return Look(
        some=one.some or other.some,
        rows=one.rows + other.rows,
        numbers=one.numbers + other.numbers,
        odd=tuple(odd)[: FEW_ODD + 1],
        odd_rows=one.odd_rows + other.odd_rows,
        integers=one.integers and other.integers,
        codes=one.codes or other.codes,
        booleans=one.booleans and other.booleans,
        dates=one.dates and other.dates,
        datetimes=one.datetimes and other.datetimes,
        forms=tuple(form for form in one.forms if form in other.forms),
    )


def is_number(cell: str) -> bool:
    """Whether a cell without blanks around it is a number, as the data engine reads one."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.isascii()


def may_change(cells: Collection[str]) -> bool:
    """Whether a column that begins with these cells, as text, may be numbers: all are missing, or few are odd."""
    seen = look(dict.fromkeys(cells, 1))
    return not seen.codes and len(seen.odd) <= FEW_ODD and (seen.numbers > 0 or not seen.odd)


def _looked(cells: Sequence[str], missing: frozenset[str]) -> Look:
    """A look at cells; how often each occurs matters only where some are odd."""
    seen = look(dict.fromkeys(set(cells) - missing, 1))
    return look(_counted(cells, missing)) if seen.odd and seen.numbers else seen


def _counted(cells: Iterable[str], missing: frozenset[str]) -> "Counter[str]":
    counts = Counter(cells)
    for cell in missing:
        counts.pop(cell, None)
    return counts


def _bare(cell: str) -> str:
    return cell.strip(" \t")


def _is_long(integer: str) -> bool:
    return len(integer) > 18 and not -LARGEST - 1 <= int(integer) <= LARGEST


def _is_odd(seen: Look) -> bool:
    return len(seen.odd) <= FEW_ODD and seen.numbers > LEAST_NUMBERS and seen.odd_rows <= max(1, SHARE_ODD * seen.rows)


def _ambiguous(name: str, forms: Sequence[str]) -> str:
    listed = " or ".join(f'{{{json.dumps(name, ensure_ascii=False)}: "{form}"}}' for form in forms[:2])
    return f"it may hold dates, with the day or the month first: add to its source dates: {listed}"
