"""Column types from cells of text, without a data engine."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from msgspec import Struct

from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.sources import _dates

NOT_A_NUMBER = ("NaN", "nan", "NAN", "NA", "N/A", "n/a", "null", "NULL", "None", "none", "?", "-")
"""Words that are missing values where all other cells of a column are numbers."""
_WORDS = frozenset(NOT_A_NUMBER)
LARGEST = 2**63 - 1
UNSIGNED = 2**64 - 1
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
    beyond 64 bits; ``unsigned``: some that only 64 bits without a sign hold; ``negative``: some below zero.
    """

    some: bool
    rows: int = 0
    numbers: int = 0
    odd: tuple[str, ...] = ()
    odd_rows: int = 0
    integers: bool = False
    codes: bool = False
    unsigned: bool = False
    negative: bool = False
    booleans: bool = False
    dates: bool = False
    datetimes: bool = False
    forms: tuple[str, ...] = ()


def distinct(names: Sequence[str], rows: Sequence[Sequence[str]], missing: frozenset[str]) -> list[set[str]]:
    """The distinct cells of each column that are not missing."""
    return [set(column) - missing for column in zip(*rows, strict=True)] or [set() for _name in names]


def columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], missing: frozenset[str], cells: Sequence[set[str]]
) -> Schema:
    """The columns of a text table, each of the narrowest type that all its values in these rows have; ``cells``: the
    distinct ones of each column. How often each occurs matters only where some are odd."""
    looks = [look(dict.fromkeys(own, 1)) for own in cells]
    for at, seen in enumerate(looks):
        if seen.odd and seen.numbers:
            looks[at] = look(Counter(row[at] for row in rows if row[at] not in missing))
    return tuple(decided(name, seen) for name, seen in zip(names, looks, strict=True))


def narrowest(cells: Collection[str]) -> ColumnType:
    """The narrowest type that all these cells have; category where there are none.

    Integers that no 64 bits hold, and those with leading zeros, are codes: category. Blanks around a number do not
    count, nor do ``NOT_A_NUMBER``.
    """
    return decided("", look(dict.fromkeys(cells, 1))).type


def decided(name: str, seen: Look) -> Column:
    """A column of the type that its cells have. Few cells of text among many numbers are odd ones, not its type."""
    exact = not seen.unsigned or (seen.integers and not seen.negative)
    if seen.numbers and exact and not seen.codes and (not seen.odd or _is_odd(seen)):
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
    bare = {cell: b for cell in counts if (b := cell.strip(" \t")) and b not in _WORDS}
    integers = list(filter(_INTEGER, bare.values()))
    odd = [cell for cell, b in bare.items() if not is_number(b)] if len(integers) < len(bare) else []
    long = [int(integer) for integer in integers if len(integer) > 18]
    return Look(
        some=bool(counts),
        rows=sum(counts.values()),
        numbers=len(bare) - len(odd),
        odd=tuple(odd[: FEW_ODD + 1]),
        odd_rows=sum(counts[cell] for cell in odd),
        integers=len(integers) + len(odd) == len(bare),
        codes=any(map(_CODE, integers)) or any(not -LARGEST - 1 <= number <= UNSIGNED for number in long),
        unsigned=any(number > LARGEST for number in long),
        negative=any(integer.startswith("-") for integer in integers),
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
        unsigned=one.unsigned or other.unsigned,
        negative=one.negative or other.negative,
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


def _is_odd(seen: Look) -> bool:
    return len(seen.odd) <= FEW_ODD and seen.numbers > LEAST_NUMBERS and seen.odd_rows <= max(1, SHARE_ODD * seen.rows)


def _ambiguous(name: str, forms: Sequence[str]) -> str:
    import json

    listed = " or ".join(f'{{{json.dumps(name, ensure_ascii=False)}: "{form}"}}' for form in forms[:2])
    return f"it may hold dates, with the day or the month first: add to its source dates: {listed}"
