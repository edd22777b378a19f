"""Numbers as people write them: with a decimal comma, thousands separators, a currency or a percent sign, parentheses
around negative ones."""

import re
from collections.abc import Collection, Iterable
from itertools import islice
from typing import NamedTuple

from mlspec.machine.patterns import pattern
from mlspec.plugins.base import ColumnType
from mlspec.sources import _infer

BLANKS = " \t\u00a0\u2009\u202f"
SIGNS = ("$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₫", "₴", "%", "‰", "USD", "EUR", "GBP", "CHF", "JPY", "kr", "zł")
_ASCII_SIGNS = tuple(filter(str.isascii, SIGNS))
MOST_WORDS, LEAST_NUMBERS = 2, 20
WORDS = frozenset(
    (
        *(
            "missing",
            "unknown",
            "empty",
            "blank",
            "nil",
            "void",
            "na",
            "n/a",
            "n.a",
            "nan",
            "none",
            "null",
            "undefined",
        ),
        *("not available", "not applicable", "no data", "no value", "no answer", "tbd", "ref", "value", "div/0"),
    )
)
POINT = " (decimal point)"  # what makes a number with the wrong decimal separator none
NEARLY = 0.9
MOST_COLUMNS = 50  # from which the form of a file's numbers is found
_NONE = frozenset(("", *_infer.NOT_A_NUMBER))
_BEYOND = pattern(r"[^-+0-9.,\n]|^[-+.,]+$", re.MULTILINE)
_NUMERIC = pattern(f"[-+0-9.,'’eE(){BLANKS}]+")  # what a number of any form consists of
_DIGIT, _MARK = pattern("[0-9]"), pattern(f"[0-9][,.'’{BLANKS}][0-9]")
NEGATIVE = rf"^\([{BLANKS}]*([0-9.,][^()]*)\)$"
_NEGATIVE = pattern(NEGATIVE)


class Form(NamedTuple):
    """How the numbers of a column are written: the decimal and the thousands separator of its file, and a sign that its
    cells have; empty for none. ``negative``: those in parentheses are below zero, as accountants write."""

    decimal: str = "."
    thousands: str = ""
    sign: str = ""
    negative: bool = False

    @property
    def between(self) -> str:
        """The pattern of what is between thousands."""
        return f"[{BLANKS}]" if self.thousands == " " else re.escape(self.thousands)

    @property
    def grouped(self) -> str:
        """The pattern of a number with thousands separators, without its sign."""
        return rf"^[-+]?[0-9]{{1,3}}({self.between}[0-9]{{3}})+({re.escape(self.decimal)}[0-9]*)?$"

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as the data engine reads them."""
        return self == Form()


def plain(cell: str, form: Form) -> str:
    """A cell as the data engine reads numbers; one that is no number of this form stays none."""
    text = cell.replace(form.sign, "", 1).strip(BLANKS) if form.sign else cell.strip(BLANKS)
    if form.sign:
        text = re.sub(rf"^([-+])[{BLANKS}]+", r"\1", text)
    if form.negative:
        text = _NEGATIVE.sub(r"-\1", text).rstrip(BLANKS)
    if form.thousands and re.match(form.grouped, text):
        text = re.sub(form.between, "", text)
    if form.decimal == ".":
        return text
    return f"{text}{POINT}" if "." in text else text.replace(form.decimal, ".")


def sign(cells: Collection[str]) -> str:
    """The one sign that cells with a sign have; empty where there is none, or several."""
    text = "\n".join(cells)
    found = [one for one in (_ASCII_SIGNS if text.isascii() else SIGNS) if one in text]
    return found[0] if len(found) == 1 else ""


def of_column(cells: Collection[str], form: Form) -> Form:
    """The form of one column's numbers in a file with this form of numbers."""
    mark = sign(cells)
    return form._replace(sign=mark, negative=0 < len(in_parentheses(cells, mark)) < len(_numbers_in(cells)))


def in_parentheses(cells: Iterable[str], mark: str = "") -> list[str]:
    """The cells that are numbers in parentheses, with this sign or without one."""
    return [
        cell
        for cell in cells
        if "(" in cell and _NEGATIVE.match((cell.replace(mark, "", 1) if mark else cell).strip(BLANKS))
    ]


def could_be(cells: Collection[str]) -> bool:
    """Whether all of these cells are numbers in some form, and not all of them plain ones."""
    seen = _numbers_in(cells)
    if not all(map(_DIGIT.search, seen)):
        return False
    mark = sign(seen)
    without = (cell.replace(mark, "", 1) if mark else cell for cell in seen)
    return any(map(_NUMERIC.fullmatch, without)) and any(score(seen, of_column(seen, form)) for form in _forms(mark))


def score(cells: Collection[str], form: Form) -> float:
    """How well these cells are numbers of this form: 1 if all are, less if all but a few odd ones are, 0 if not."""
    if are_numbers(cells, form):
        return 1
    is_nearly = not form.sign and _infer.narrowest({plain(cell, form) for cell in cells}) in ("integer", "number")
    return NEARLY if is_nearly else 0


def are_bare(cells: Iterable[str]) -> bool:
    """Whether no cell has anything but digits and signs of numbers in it."""
    return _BEYOND.search("\n".join(cells)) is None


def are_numbers(cells: Collection[str], form: Form) -> bool:
    """Whether all of these cells are numbers of this form, with its sign where there is one."""
    if form.sign and not all(form.sign in cell for cell in cells if cell.strip(BLANKS) not in _infer.NOT_A_NUMBER):
        return False
    return kind_of({plain(cell, form) for cell in cells}) in ("integer", "number")


def kind_of(cells: Collection[str]) -> ColumnType:
    """The type that all of these cells have, without exception."""
    column = _infer.decided("", _infer.look(dict.fromkeys(cells, 1)))
    return "category" if column.odd else column.type


def of_file(columns: Iterable[Collection[str]], separator: str, decimal: str | None, thousands: str | None) -> Form:
    """The decimal and thousands separators with which most of these columns hold numbers, as far as none is stated."""
    usual = Form("." if decimal is None else decimal, thousands or "")
    marked = [
        cells for cells in columns if _MARK.search("\n".join(cells)) and all(map(_DIGIT.search, _numbers_in(cells)))
    ]
    marked = marked[:MOST_COLUMNS]
    if all(are_numbers(cells, of_column(cells, usual)) for cells in marked):
        return usual
    tried = [
        form for form in (usual, *_forms("")) if decimal in (None, form.decimal) and thousands in (None, form.thousands)
    ]
    if separator == ",":  # a comma in a cell is hardly a decimal one
        tried.sort(key=lambda form: form.decimal == ",")
    found = {form: sum(score(cells, of_column(cells, form)) for cells in marked) for form in tried}
    return max(tried, key=lambda form: (found[form], form == usual))


def words(cells: Collection[str], form: Form) -> tuple[str, ...] | None:
    """The cells that are words for missing values, in a column of numbers, or of dates; None in a column of text."""
    if are_bare(cells):
        return ()
    rest = _numbers_in(cells)
    taken = set(cells) - rest
    if rest and (are_numbers(rest, form) or kind_of(rest) != "category"):
        return tuple(sorted(taken))
    if len(rest) <= LEAST_NUMBERS:
        return None
    others = list(islice((cell for cell in rest if not are_numbers({cell}, form)), MOST_WORDS + 1))
    if 0 < len(others) <= MOST_WORDS and len(rest) - len(others) >= LEAST_NUMBERS and all(map(_is_word, others)):
        return tuple(sorted(taken.union(others)))
    return None


def _forms(mark: str) -> list[Form]:
    """The forms with this sign, the simpler ones first."""
    between = ("", ",", ".", " ", "'", "’")
    return [Form(decimal, thousands, mark) for thousands in between for decimal in ".," if decimal != thousands]


def _numbers_in(cells: Collection[str]) -> set[str]:
    """These cells without words for missing values."""
    return {cell for cell in cells if cell not in _infer.NOT_A_NUMBER and cell.strip(BLANKS) not in _NONE}


def _is_word(cell: str) -> bool:
    """Whether a cell that is no number stands for a missing value: a word for that, or no letter and no digit."""
    return not any(map(str.isalnum, cell)) or cell.strip(BLANKS + ".#()[]<>!").lower() in WORDS
