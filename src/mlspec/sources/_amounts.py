"""Numbers as people write them: with a decimal comma, thousands separators, a currency or a percent sign."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from mlspec.sources import _infer

BLANKS = " \t\u00a0\u2009\u202f"
SIGNS = ("$", "€", "£", "¥", "₹", "₽", "₩", "₺", "₫", "₴", "%", "‰", "USD", "EUR", "GBP", "CHF", "JPY", "kr", "zł")
MOST_WORDS, LEAST_NUMBERS, LONGEST_WORD = 2, 20, 12
POINT = " (decimal point)"  # what makes a number with the wrong decimal separator none
_SIGN = re.compile("|".join(map(re.escape, SIGNS)))


class Form(NamedTuple):
    """How the numbers of a column are written: the decimal and the thousands separator of its file, and a sign that its
    cells have; empty for none."""

    decimal: str = "."
    thousands: str = ""
    sign: str = ""

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
    if form.thousands and re.match(form.grouped, text):
        text = re.sub(form.between, "", text)
    if form.decimal == ".":
        return text
    return f"{text}{POINT}" if "." in text else text.replace(form.decimal, ".")


def sign(cells: Collection[str]) -> str:
    """The one sign that cells with a sign have; empty where there is none, or several."""
    found = {match[0] for cell in cells if (match := _SIGN.search(cell))}
    return found.pop() if len(found) == 1 else ""


def forms(cells: Iterable[str]) -> list[Form]:
    """The forms in which all of these cells are numbers, and which say more than that they are plain ones."""
    seen = {cell for cell in cells if cell.strip(BLANKS) not in ("", *_infer.NOT_A_NUMBER)}
    mark = sign(seen)
    tried = [Form(decimal, thousands, mark) for decimal in ".," for thousands in ("", ",", ".", " ", "'", "’")]
    return [form for form in tried if form.decimal != form.thousands and seen and are_numbers(seen, form)]


def are_numbers(cells: Collection[str], form: Form) -> bool:
    """Whether all of these cells are numbers of this form, with its sign where there is one."""
    if form.sign and not all(form.sign in cell for cell in cells if cell.strip(BLANKS) not in _infer.NOT_A_NUMBER):
        return False
    return _infer.narrowest({plain(cell, form) for cell in cells}) in ("integer", "number")


def of_file(columns: Iterable[Collection[str]], separator: str, decimal: str | None, thousands: str | None) -> Form:
    """The decimal and thousands separators with which most of these columns hold numbers, as far as none is stated."""
    columns = [cells for cells in columns if cells]
    # In a file of commas, a comma in a cell is hardly a decimal one.
    decimals = ".," if separator == "," else ("." if decimal is None else decimal) + ",."
    tried = [
        Form(one, other)
        for one in ((decimal,) if decimal is not None else dict.fromkeys(decimals))
        for other in ((thousands,) if thousands is not None else ("", ",", ".", " ", "'", "’"))
        if one != other
    ]
    tried.sort(key=lambda form: bool(form.thousands) and separator != ",")
    found = Counter({form: sum(are_numbers(c, form._replace(sign=sign(c))) for c in columns) for form in tried})
    return max(tried, key=lambda form: (found[form], form == tried[0]))


def words(cells: Collection[str], form: Form) -> tuple[str, ...] | None:
    """The cells of a column of numbers that are words for missing values; None where it holds no numbers."""
    taken = {cell for cell in cells if cell.strip(BLANKS) in _infer.NOT_A_NUMBER}
    rest = cells if not taken else set(cells) - taken
    if rest and are_numbers(rest, form):
        return tuple(sorted(taken))
    others = {cell for cell in rest if not are_numbers({cell}, form)}
    if 0 < len(others) <= MOST_WORDS and len(rest) - len(others) >= LEAST_NUMBERS and all(map(_is_word, others)):
        return tuple(sorted(taken | others))
    return None


def _is_word(cell: str) -> bool:
    """Whether a cell may stand for a missing value: it has no digits, and is short."""
    return len(cell) <= LONGEST_WORD and not any(map(str.isdigit, cell))
