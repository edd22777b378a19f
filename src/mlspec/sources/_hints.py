"""Columns of delimited text with the types of their numbers, however written, and what is odd about their cells."""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.structs import replace

from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.sources import _amounts, _infer

_EXPONENT = re.compile(r"[0-9]+[eE][0-9]{1,3}$")


def columns(
    found: Schema,
    rows: Sequence[Sequence[str]],
    missing: frozenset[str],
    separator: str,
    form: _amounts.Form,
    named: Mapping[str, str],
) -> Schema:
    """Those columns with the types of their numbers in ``form``, and a hint each where something is odd; ``named`` are
    the hints about names."""
    cells = [set(column) - missing for column in zip(*rows, strict=True)] or [set[str]() for _column in found]
    typed = [_typed(column, values, form) for column, values in zip(found, cells, strict=True)]
    texts = set().union(*(values for column, values in zip(typed, cells, strict=True) if column.type == "category"))
    other = _other_form(typed, cells, separator, form)
    made = []
    for column, values in zip(typed, cells, strict=True):
        hints = [named.get(column.name, ""), column.hint, _hint(column, values, texts, form, other)]
        made.append(replace(column, hint="; ".join(filter(None, hints))))
    return tuple(made)


def form_of(cells: Collection[str], form: _amounts.Form) -> _amounts.Form:
    """The form of the numbers in one column of a file."""
    return form._replace(sign=_amounts.sign(cells))


def _typed(column: Column, cells: Collection[str], form: _amounts.Form) -> Column:
    own = form_of(cells, form)
    if own.is_plain or (column.type != "category" and form.decimal == "." and not form.thousands):
        return column
    if not cells or column.type not in ("category", "integer", "number"):
        return column
    kind: ColumnType = "category"
    if _amounts.are_numbers(cells, own):
        kind = _infer.narrowest({_amounts.plain(cell, own) for cell in cells})
    return replace(column, type=kind, odd=(), form="")


def _other_form(
    typed: Sequence[Column], cells: Sequence[Collection[str]], separator: str, form: _amounts.Form
) -> _amounts.Form:
    """The separators with which more columns would hold numbers; ``form`` where there are none."""
    could = [c.type == "category" and bool(_amounts.forms(v)) for c, v in zip(typed, cells, strict=True)]
    return _amounts.of_file(cells, separator, None, None) if any(could) else form


def _hint(
    column: Column, cells: Collection[str], texts: Collection[str], form: _amounts.Form, other: _amounts.Form
) -> str:
    if column.odd:
        return ""
    if column.type in ("integer", "number"):
        taken = _amounts.words(cells, form_of(cells, form))
        if taken:
            return (
                f"{_listed(taken)} {'is' if len(taken) == 1 else 'are'} read as missing: {_way(column, taken, texts)}"
            )
        codes = sorted(cell for cell in cells if _EXPONENT.match(cell.strip(_amounts.BLANKS)))
        if codes and not any("." in cell for cell in cells):
            way = f"add types: {{{_text(column.name)}: category}}"
            return f"'{codes[0]}' is read as a number: {way} if these are codes"
        return ""
    if column.type != "category" or not cells:
        return ""
    if other != form and _amounts.are_numbers(cells, form_of(cells, other)):
        keys = [f'decimal: "{other.decimal}"'] if other.decimal != form.decimal else []
        keys += [f'thousands: "{other.thousands}"'] if other.thousands != form.thousands else []
        shown = next(cell for cell in sorted(cells) if _infer.narrowest({cell}) not in ("integer", "number"))
        return f"numbers such as '{shown}' are read as text: add {', '.join(keys)}"
    taken = _amounts.words(cells, form_of(cells, form))
    if taken:
        return f"all cells but {_listed(taken)} are numbers: {_way(column, taken, ())}"
    own = form_of(cells, form)
    if own.sign and _amounts.are_numbers({cell for cell in cells if own.sign in cell}, own):
        rest = {cell for cell in cells if own.sign not in cell}
        if rest and _amounts.are_numbers(rest, form):
            way = f"add types: {{{_text(column.name)}: number}}"
            return f"'{own.sign}' is in some cells and not in others: {way} to read them without it"
    return _alike(cells)


def _way(column: Column, words: Iterable[str], texts: Collection[str]) -> str:
    if any(word in texts for word in words):
        return f"state types: {{{_text(column.name)}: {column.type}}} if that is right"
    return f"add missing: [{', '.join(map(_text, words))}]"


def _alike(cells: Collection[str]) -> str:
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


def _listed(words: Sequence[str]) -> str:
    return " and ".join(f"'{word}'" for word in words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")


def _text(text: str) -> str:
    """A text as YAML in braces."""
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else json.dumps(text, ensure_ascii=False)
