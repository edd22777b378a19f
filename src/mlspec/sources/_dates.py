"""Dates in other forms than ISO 8601: which format all cells of a column have."""

import functools
import re
from collections.abc import Collection, Mapping
from itertools import product

from mlspec.plugins.base import Column, ColumnType, Schema

_CODES = {
    "%Y": "[0-9]{4}",
    "%y": "[0-9]{2}",
    "%m": "(?:0?[1-9]|1[0-2])",
    "%d": "(?:0?[1-9]|[12][0-9]|3[01])",
    "%b": "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    "%B": "(?:january|february|march|april|may|june|july|august|september|october|november|december)",
    "%H": "(?:[01]?[0-9]|2[0-3])",
    "%I": "(?:0?[1-9]|1[0-2])",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
    "%p": "(?:am|pm)",
}
_DAYS = (
    *(f"%m{mark}%d{mark}{year}" for mark, year in product("/-", ("%Y", "%y"))),
    *(f"%d{mark}%m{mark}{year}" for mark, year in product("/-.", ("%Y", "%y"))),
    *("%y/%m/%d", "%y-%m-%d", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y"),
    *("%b %d %Y", "%B %d %Y", "%Y-%b-%d"),
)
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%Y %b", "%Y %B", "%b %Y", "%B %Y", "%Y-%b", "%b-%Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMS = (*(day + time for day, time in product(_DAYS, _TIMES)), *_MONTHS)
_SEASON = re.compile("[0-9]{2}([0-9]{2})[-/]([0-9]{2})")
_MAYBE = (
    r"(\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}[- ][a-z]{3,9}[- ]\d{2,4}|[a-z]{3,9} \d{1,2},? \d{4}"
    r"|\d{4}-[a-z]{3}-\d{1,2})( .{4,11})?|\d{4}[-/ ]([a-z]{3,9}|\d{1,2})|(\d{1,2}/|[a-z]{3,9}[- ])\d{4}"
)
_CODE = re.compile("%.")
_READ = frozenset(_CODES) | {"%f", "%j", "%e", "%T", "%F", "%D", "%z", "%Z", "%%"}


def fitting(cells: Collection[str], forms: Collection[str] = FORMS) -> tuple[str, ...]:
    """Those formats that all of these cells have; none where there are no cells."""
    left: list[str] | None = None
    for cell in cells:
        if left is None and not _maybe().fullmatch(cell):
            break
        left = [form for form in (forms if left is None else left) if _fits(form, cell)]
        if not left:
            break
    if left and left[0] in ("%Y-%m", "%Y/%m") and all(map(_is_season, cells)):
        return ()
    return tuple(left or ())


def _is_season(cell: str) -> bool:
    """Whether a cell may be a year and the next one: 2010-11."""
    found = _SEASON.fullmatch(cell)
    return found is not None and int(found[2]) == (int(found[1]) + 1) % 100


def whole(form: str) -> tuple[str, str]:
    """A format with a day, and what is to be added to a cell for it: months begin with their first day."""
    codes = set(_CODE.findall(form))
    has_day = codes & {"%d", "%e", "%j", "%D", "%F"} or not codes & {"%m", "%b", "%B"}
    return (form, "") if has_day else (f"{form} %d", " 1")


def kind_of(form: str) -> ColumnType:
    """The type of a column whose dates have this format."""
    return "datetime" if {"%H", "%I", "%T"} & set(_CODE.findall(form)) else "date"


def mistake(form: str) -> str:
    """What is wrong with a format that a spec states; empty if nothing is."""
    wrong = next((code for code in _CODE.findall(form) if code not in _READ), None)
    if wrong is not None:
        return f"'{wrong}' is not a known part of a date format"
    return "" if "%" in form else "a date format has parts such as %d, %m and %Y"


def mistakes(forms: Mapping[str, str]) -> str:
    """The same of the formats of several columns, with the column."""
    return next((f"dates of '{column}': {wrong}" for column, form in forms.items() if (wrong := mistake(form))), "")


def stated(columns: Schema, forms: Mapping[str, str]) -> Schema:
    """The columns, those with a stated format as dates of it."""
    return tuple(Column(c.name, kind_of(form), form=form) if (form := forms.get(c.name)) else c for c in columns)


def pattern(form: str) -> str:
    """A regular expression of the cells that have one of ``FORMS``; case does not matter."""
    return "".join(_CODES.get(part, re.escape(part)) for part in re.split("(%.)", form))


@functools.lru_cache(maxsize=len(FORMS))
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(pattern(form), re.IGNORECASE | re.ASCII)


@functools.cache
def _maybe() -> re.Pattern[str]:
    return re.compile(_MAYBE, re.IGNORECASE | re.ASCII)


def _fits(form: str, cell: str) -> bool:
    return _compiled(form).fullmatch(cell) is not None
