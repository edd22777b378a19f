"""Columns of delimited text with the types of their numbers, however written, and what is odd about their cells."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from mlspec.machine.patterns import pattern
from mlspec.plugins.base import Column, Schema
from mlspec.sources import _amounts, _header, _infer

_EXPONENT = pattern(r"[0-9]+[eE][0-9]{1,3}$")


def columns(
    found: Schema,
    cells: Sequence[set[str]],
    missing: frozenset[str],
    separator: str,
    form: _amounts.Form,
    named: Mapping[str, str],
) -> Schema:
    """Those columns with the types of their numbers in ``form``, and a hint each where something is odd; ``cells`` are
    the distinct ones of each that are not missing, ``named`` the hints about names."""
    forms = [_amounts.of_column(values, form) for values in cells]
    typed = [_typed(column, values, own, form) for column, values, own in zip(found, cells, forms, strict=True)]
    words = [
        _amounts.words(values, own) if column.type in ("integer", "number", "category") else ()
        for column, values, own in zip(typed, cells, forms, strict=True)
    ]
    texts = set[str]().union(*(values for taken, values in zip(words, cells, strict=True) if taken is None))
    every = sorted({*missing, *(word for taken in words for word in taken or ())} - texts - {""})
    other = _other_form(typed, cells, separator, form)
    made = []
    for column, values, own, taken in zip(typed, cells, forms, words, strict=True):
        if column.odd and other != form and _amounts.are_numbers(values, _amounts.of_column(values, other)):
            column = replace(column, type="category", odd=())  # its numbers have another form: none is odd
        odd = _missing(column, taken, every) if taken and not column.odd else _hint(column, values, own, form, other)
        made.append(replace(column, hint="; ".join(filter(None, (named.get(column.name), column.hint, odd)))))
    return _accepting(made)


def _accepting(columns: Sequence[Column]) -> Schema:
    """The columns; the first one with a name that the file does not have says how to accept all such names."""
    renamed = [c for c in columns if f"{_header.RENAMED} '{c.name}'" in c.hint]
    if not renamed:
        return tuple(columns)
    types = ", ".join(f"{_text(c.name)}: {c.type}" for c in renamed)
    way = f"write data.columns.types: {{{types}}} if that is right; `names` with header: true gives other names"
    return tuple(replace(c, hint=f"{c.hint}; {way}") if c is renamed[0] else c for c in columns)


def _typed(column: Column, cells: Collection[str], own: _amounts.Form, form: _amounts.Form) -> Column:
    if own.is_plain or (column.type != "category" and form.is_plain and not own.negative):
        return column
    if not cells or column.type not in ("category", "integer", "number"):
        return column
    if own.sign and not _amounts.are_numbers(cells, own):
        return replace(column, type="category", odd=(), form="")
    return _infer.decided(column.name, _infer.look(dict.fromkeys((_amounts.plain(c, own) for c in cells), 1)))


def _other_form(
    typed: Sequence[Column], cells: Sequence[Collection[str]], separator: str, form: _amounts.Form
) -> _amounts.Form:
    """The separators with which more columns would hold numbers; ``form`` where there are none."""
    could = [(c.type == "category" or c.odd) and _amounts.could_be(v) for c, v in zip(typed, cells, strict=True)]
    return _amounts.of_file(cells, separator, None, None) if any(could) else form


def _missing(column: Column, words: Sequence[str], every: Sequence[str]) -> str:
    """That these cells are words for missing values; ``every``: all that are in no column of text."""
    listed = " and ".join(f"'{word}'" for word in words)
    verb = "is" if len(words) == 1 else "are"
    is_taken = column.type != "category" and {word.strip(_amounts.BLANKS) for word in words} <= {*_infer.NOT_A_NUMBER}
    what = f"{listed} {verb} read as missing" if is_taken else f"all cells but {listed} have one type"
    if is_taken and not set(words) <= set(every):
        return f"{what}: {_type(column, column.type)} if that is right"
    return f"{what}: add missing: {_text(every)}"


def _hint(column: Column, cells: Collection[str], own: _amounts.Form, form: _amounts.Form, other: _amounts.Form) -> str:
    if column.odd:
        return ""
    if column.type in ("integer", "number") and not _amounts.are_bare(cells):
        codes = sorted(cell for cell in cells if _EXPONENT.match(cell.strip(_amounts.BLANKS)))
        if codes and not any("." in cell for cell in cells):
            return f"'{codes[0]}' is read as a number: {_type(column, 'category')} if these are codes"
    if column.type != "category" or not cells:
        return ""
    if other != form and _amounts.score(cells, _amounts.of_column(cells, other)):
        keys = [f'decimal: "{other.decimal}"'] if other.decimal != form.decimal else []
        keys += [f'thousands: "{other.thousands}"'] if other.thousands != form.thousands else []
        odd = [cell for cell in cells if _infer.narrowest({cell}) not in ("integer", "number")]
        shown = min(odd or cells)  # plain numbers are odd where another decimal separator is stated
        return f"numbers such as '{shown}' are read as text: add {', '.join(keys)}"
    if own.sign and _amounts.are_numbers({cell for cell in cells if own.sign in cell}, own):
        rest = {cell for cell in cells if own.sign not in cell}
        if rest and _amounts.are_numbers(rest, form):
            way = f"{_type(column, 'number')} to read them without it"
            return f"'{own.sign}' is in some cells and not in others: {way}"
    if len(_amounts.in_parentheses(cells, own.sign)) == len(cells) and _amounts.are_numbers(
        cells, own._replace(negative=True)
    ):
        return (
            f"all cells are in parentheses, as '{min(cells)}': {_type(column, 'number')} if they are negative numbers"
        )
    return alike(cells)


def _type(column: Column, kind: str) -> str:
    return f"write data.columns.types: {{{_text(column.name)}: {kind}}}"


def _text(value: Any) -> str:
    from mlspec.sources import _written

    return _written.text(value)


def alike(cells: Collection[str]) -> str:
    """Two values that look the same."""
    seen: dict[str, str] = {}
    for cell in sorted(cells):
        plain = " ".join(unicodedata.normalize("NFC", cell).split())
        other = seen.setdefault(plain, cell)
        if other != cell:
            is_form = unicodedata.normalize("NFC", other) == unicodedata.normalize("NFC", cell)
            how = "in their Unicode form" if is_form else "in blanks"
            return f"the values {other!a} and {cell!a} look the same and differ only {how}"
    return ""
