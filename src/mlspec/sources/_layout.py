"""What the lines of delimited text show about how they are laid out: the separator, a header, rows that are no data."""

import io
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice, pairwise

from mlspec.machine.patterns import pattern
from mlspec.sources import _cells, _infer

SEPARATORS = (",", ";", "\t", "|")
STATED = pattern(r'"?sep=(.)"?[,;\t|]*\r?\n')
MOST_LINES, MOST_FOOTER, SEEN_ROWS, LEAST_BLANKS = 20, 5, 200, 3
_TOTAL = pattern(
    r"(grand |sub)?-?(totals?|sum|summe|gesamt|gesamtsumme|insgesamt|somme|suma|totale|total general)\W{0,3}$",
    re.IGNORECASE,
)


_WORD = pattern(r"[^\W\d_]{3}")


def separator(text: str, usual: str, quote: str) -> str:
    """The separator that splits the first lines into the most columns, alike in all; the usual one if none does."""
    best, most = usual, _width(text, usual, quote)
    for other in SEPARATORS:
        width = _width(text, other, quote)
        if width > most:
            best, most = other, width
    return " " if most == 1 and _width(text, " ", quote) >= LEAST_BLANKS and _are_numbers(text) else best


def _are_numbers(text: str) -> bool:
    """Whether most words behind the first line are numbers: blanks are between cells, not within a text."""
    words = [word for line in text.splitlines()[1:MOST_LINES] for word in line.split(" ")]
    return bool(words) and 2 * sum(map(_infer.is_number, words)) >= len(words)


def are_in_single_quotes(names: Sequence[str]) -> bool:
    """Whether all of these are."""
    return bool(names) and all(len(name) > 2 and name[0] == name[-1] == "'" for name in names)


def _width(text: str, separator: str, quote: str) -> int:
    """The cells in each of the first rows; 1 where they differ."""
    try:
        rows = list(islice(_cells.rows(io.StringIO(text, newline=""), separator, quote, complete=False), MOST_LINES))
    except ValueError:
        return 1
    widths = [len(row) - (not row[-1] and len(row) > len(rows[0][1])) for _line, row in rows]
    if len(widths) > MOST_FOOTER:
        widths = widths[:-2]  # the end of a short file may hold a note
    return widths[0] if len(set(widths)) == 1 else 1


def preamble(text: str, separators: Sequence[str], quote: str) -> int:
    """How many lines are above the header: titles and notes of fewer cells than all rows behind them; 0 if unclear, or
    if one of the separators splits all lines alike."""
    if any(_width(text, one, quote) > 1 for one in separators):
        return 0
    return next(filter(None, (_above(text, one, quote) for one in separators)), 0)


def _above(text: str, separator: str, quote: str) -> int:
    try:
        found = list(islice(_cells.rows(io.StringIO(text, newline=""), separator, quote, complete=False), SEEN_ROWS))
    except ValueError:
        return 0
    widths = [len(row) for _line, row in found]
    at = next((at for at, width in enumerate(widths[:MOST_LINES]) if width > max(widths[:at], default=width)), 0)
    rest = [row for _line, row in found[at : -MOST_FOOTER or None]] if len(found) > 2 * MOST_FOOTER else []
    if not at or len(rest) < MOST_FOOTER or {len(row) for row in rest} != {widths[at]}:
        return 0
    if at == 1 and widths[0] == widths[at] - 1 > 1:
        return 0  # a header that lacks the name of an index
    has_names = any(
        _infer.narrowest({name}) == "category" != _infer.narrowest(set(column) - {""})
        for name, *column in zip(*rest, strict=True)
        if name
    )
    is_title = all(sum(map(bool, row)) == 1 for _line, row in found[:at])
    return found[at][0] - 1 if has_names or is_title else 0


def is_unquoted(text: str, separator: str, whole: bool) -> bool:
    """Whether the first lines are rows of one width only if a quote means nothing."""
    if '"' not in text:
        return False
    widths = [_widths(text, separator, quote, whole) for quote in ('"', "")]
    return len(widths[0]) != 1 and len(widths[1]) == 1


def _widths(text: str, separator: str, quote: str, whole: bool) -> set[int]:
    rows = _cells.rows(io.StringIO(text, newline=""), separator, quote, complete=whole)
    try:
        return {len(row) for _line, row in islice(rows, SEEN_ROWS)}
    except ValueError:
        return set()


def is_padded(text: str, separator: str) -> bool:
    """Whether a blank is behind each separator of the first lines."""
    if separator not in ",;|":
        return False
    lines = text[: 1 << 16].splitlines()[1:MOST_LINES]
    found = [line for line in lines if separator in line]
    return bool(found) and all(separator not in line.replace(separator + " ", "").rstrip(separator) for line in found)


def is_headless(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row clearly holds values: numbers where the columns hold numbers, and no names anywhere."""
    rows = [row for row in rows[:SEEN_ROWS] if len(row) == len(first)]
    if len(rows) < 2 or not any(cell[-1:].isdigit() for cell in first):
        return False
    numbers, is_clear = [], False
    for cell, column in zip(first, zip(*rows, strict=True), strict=True):
        cells = set(column) - {""}
        if not cells or not cell:
            continue
        kind, own = _infer.narrowest(cells), _infer.narrowest({cell})
        if kind in ("integer", "number"):
            if own not in ("integer", "number"):
                return False
            numbers.append(cell)
        elif kind == "category":
            is_clear |= cell in cells
        elif own != kind:
            return False
        else:
            is_clear = True
    if not numbers:
        return False
    has_parts = any("." in cell for cell in numbers) and not _is_series(numbers)
    return is_clear or has_parts or max(Counter(numbers).values()) > 1


def _is_series(numbers: Sequence[str]) -> bool:
    """Whether numbers grow by equal steps, as names do: years, wavelengths."""
    try:
        steps = [float(b) - float(a) for a, b in pairwise(numbers)]
    except ValueError:
        return False
    return len(steps) > 1 and (min(steps) > 0 or max(steps) < 0) and max(map(abs, steps)) <= 1.5 * min(map(abs, steps))


def footer(ends: Sequence[Sequence[str]], width: int, rows: Sequence[Sequence[str]]) -> int:
    """How many of the last rows are no data: a total, and notes of fewer cells behind it or without one."""
    known = [row for row in rows if len(row) == width]
    if len(known) < 2:
        return 0
    count = 0
    for back, row in enumerate(reversed(ends), start=1):
        at = next((at for at, cell in enumerate(row) if cell.strip()), 0)
        is_total = _TOTAL.match(row[at].strip()) is not None and not _is_common(row[at], at, known, row)
        is_note = len(row) < width and not any(cell.strip() for cell in row[1:]) and _WORD.search(row[0]) is not None
        if is_total or is_note:
            count = back
        elif len(row) == width:
            break
    return count


def _is_common(cell: str, at: int, rows: Sequence[Sequence[str]], itself: Sequence[str]) -> bool:
    return any(row[at] == cell and list(row) != list(itself) for row in rows)
