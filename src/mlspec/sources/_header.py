"""The beginning of delimited text: its names, its first rows, and its separator."""

import functools
import io
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mlspec.sources import _bounds, _cells, _layout, _text

RENAMED = "it is read as"


class Dialect(NamedTuple):
    """How a file is read as far as it is stated: the separator and the usual one, the quote, the encoding, the names,
    whether there is a header, how many rows at the end are no data, and how many lines above the header."""

    stated: str | None
    usual: str
    quote: str
    encoding: str
    names: tuple[str, ...] = ()
    header: bool | None = None
    footer: int | None = None
    skip: int | None = None

    @property
    def has_header(self) -> bool:
        """Whether the first row holds names."""
        return not self.names if self.header is None else self.header


class Head(NamedTuple):
    """The names and the first rows of the columns that are read, whether there are no more rows, the separator, how
    many lines are above the header, whether there is one, and whether a blank is behind each separator.

    ``read``: the places of these columns in the file's rows, None for all; ``width``: cells in such a row. ``hints``:
    what is odd about a column's name, or beside it.
    """

    names: list[str]
    rows: list[list[str]]
    whole: bool
    separator: str
    skipped: int
    has_header: bool = True
    padded: bool = False
    read: tuple[int, ...] | None = None
    width: int = 0
    hints: dict[str, str] = {}  # noqa: RUF012  never changed


@functools.lru_cache(maxsize=4)
def head(path: Path, dialect: Dialect, _state: tuple[int, ...]) -> Head:
    """The beginning of a file; kept, because its columns and its target's values are asked for one after the other.

    Raises OSError where it can't be read, and ValueError where it is no such text.
    """
    text, whole = _text.head(path, dialect.encoding, _bounds.ROWS + 2)
    last = None if whole or dialect.footer is not None else _text.tail(path, dialect.encoding)
    return parsed(text, whole, dialect, last)


def parsed(text: str, whole: bool, dialect: Dialect, last: str | None = None) -> Head:
    """The same of a text; ``last``: the file's last lines, if they are known and not in it."""
    skipped, separator, padded, rows = _split(text, whole, dialect)
    if not rows:
        raise ValueError("the file is empty")
    top = [name.strip() for name in rows[0][1]] if dialect.has_header else []
    body = rows[int(dialect.has_header) :]
    stated = list(dialect.names)
    width = len(top or stated or body[0][1])
    if width > _bounds.COLUMNS:
        raise ValueError(f"it has {width:,} columns, but at most {_bounds.COLUMNS:,} are read")
    everything = whole and len(body) <= _bounds.ROWS
    if dialect.footer is None:
        count, shown, line = _footer(rows, everything, dialect, last, separator)
        if count:
            place = f"line {line}" if everything else "a row at its end"
            way = f"add footer: {count} if it is no data (or footer: 0 if it is)"
            raise ValueError(f"{place} begins with '{shown}': {way}")
    elif everything:
        body = body[: max(0, len(body) - dialect.footer)]
    body = body[: _bounds.ROWS]
    if not dialect.names and dialect.header is None and _layout.is_headless(top, [row for _line, row in body]):
        raise ValueError(
            f"line {rows[0][0]} holds values, not names: add header: false (or header: true if they are names)"
        )
    names, width, hints = _named(top, stated, body, width)
    if top and not stated and dialect.quote == '"' and _layout.are_in_single_quotes(top):
        hints[top[0]] = 'names are in single quotes: add quote: "\'"'
    for line, row in body:
        if len(row) != width:
            raise ValueError(f"line {line} has {len(row)} cells, but {_source(dialect)} {len(top or stated or names)}")
    cells = [row for _line, row in body]
    read = None if None not in names else tuple(at for at, name in enumerate(names) if name is not None)
    return Head(
        names=[name for name in names if name is not None],
        rows=cells if read is None else [[row[at] for at in read] for row in cells],
        whole=everything,
        separator=separator,
        skipped=skipped,
        has_header=dialect.has_header,
        padded=padded,
        read=read,
        width=width,
        hints=hints,
    )


def rows(text: str, whole: bool, dialect: Dialect) -> list[list[str]]:
    """The first rows of a text, the header among them."""
    return [row for _line, row in _split(text, whole, dialect)[3]]


def footer(text: str, whole: bool, dialect: Dialect, last: str | None) -> tuple[int, str]:
    """How many rows at the end are no data, and what they begin with."""
    _skipped, separator, _padded, found = _split(text, whole, dialect)
    everything = whole and len(found) - dialect.has_header <= _bounds.ROWS
    return _footer(found, everything, dialect, last, separator)[:2]


def _split(text: str, whole: bool, dialect: Dialect) -> tuple[int, str, bool, list[tuple[int, list[str]]]]:
    """How many lines are above the header, the separator, whether cells are padded, and the rows with their lines."""
    first = _layout.STATED.match(text)
    if first is not None and dialect.stated not in (None, first[1]):
        raise ValueError(f"its first line states the separator '{first[1]}', not '{dialect.stated}'")
    text = text if first is None else text[first.end() :]
    skipped = int(first is not None)
    if dialect.skip:
        text = "".join(io.StringIO(text, newline="").readlines()[dialect.skip :])
        skipped += dialect.skip
    separator = dialect.stated or (first[1] if first is not None else dialect.usual)
    if dialect.skip is None and first is None and not dialect.names and dialect.header is not False:
        tried = (separator,) if dialect.stated is not None else (separator, *_layout.SEPARATORS)
        above = _layout.preamble(text, tried, dialect.quote)
        if above:
            raise ValueError(f"its header is in line {above + 1}: add skip: {above} (or skip: 0 if it is in line 1)")
    if dialect.stated is None and first is None:
        found = _layout.separator(text, separator, dialect.quote)
        if found != separator:
            shown = "\\t" if found == "\t" else found
            raise ValueError(f"its cells are separated by '{shown}': add separator: \"{shown}\"")
    padded = _layout.is_padded(text, separator)
    lines = io.StringIO(text, newline="")
    numbered = _cells.rows(lines, separator, dialect.quote, padded=padded, complete=whole)
    rows = [(line + skipped, row) for line, row in islice(numbered, _bounds.ROWS + 2)]
    if not whole and 2 < len(rows) < _bounds.ROWS + 2:
        rows.pop()  # a cell of several lines may have been cut off in it
    return skipped, separator, padded, rows


def _source(dialect: Dialect) -> str:
    return "the header has" if dialect.has_header else "`names` has" if dialect.names else "line 1 has"


def _footer(
    rows: list[tuple[int, list[str]]], everything: bool, dialect: Dialect, last: str | None, separator: str
) -> tuple[int, str, int]:
    """How many rows at the end are no data, what the first of them begins with, and its line in ``rows``."""
    body = rows[int(dialect.has_header) :]
    if everything:
        ends = body[-_layout.MOST_FOOTER :]
    elif last is not None and not (dialect.quote and last.count(dialect.quote) % 2):  # it may begin inside a cell
        try:
            ends = list(_cells.rows(io.StringIO(last, newline=""), separator, dialect.quote, complete=False))
        except ValueError:
            return 0, "", 0
    else:
        return 0, "", 0
    width = Counter(len(row) for _line, row in rows[1:]).most_common(1)[0][0] if rows[1:] else 0
    count = _layout.footer([row for _line, row in ends][-_layout.MOST_FOOTER :], width, [row for _line, row in body])
    if not count:
        return 0, "", 0
    line, row = ends[-count]
    return count, next(cell for cell in row if cell).strip()[:40], line


def _named(
    top: Sequence[str], stated: Sequence[str], body: Sequence[tuple[int, list[str]]], width: int
) -> tuple[list[str | None], int, dict[str, str]]:
    """The name of each cell of a row, None for one that is not read, how many there are, and what is odd about them."""
    hints: dict[str, str] = {}
    left_out: list[str] = []
    widths = {len(row) for _line, row in body}
    named = list(stated or top or (f"column_{place}" for place in range(1, width + 1)))
    if widths == {width + 1}:
        if not any(row[-1] for _line, row in body):
            named.append("")
            width += 1
        elif top and not stated and len({row[0] for _line, row in body}) == len(body) > 1:
            named.insert(0, "")  # R writes the rows' names without a name for them
            width += 1
    is_empty = [not any(row[at] for _line, row in body if len(row) == width) for at in range(width)] if body else []
    found: list[str | None] = []
    for at, name in enumerate(named):
        plain = unicodedata.normalize("NFC", name.replace("\r\n", "\n")).strip()
        if not plain and is_empty and is_empty[at]:
            left_out.append(f"column {at + 1} has no name and no values: it is left out")
            found.append(None)
            continue
        if not plain and at == 0:
            hints[""] = (
                "the first column has no name, as the index that pandas or R writes: it is no feature; "
                'write data.columns.drop: [""] if that is right'
            )
            found.append("")
            continue
        wanted = plain or f"column_{at + 1}"
        unique, count = wanted, 1
        while unique in found:
            count += 1
            unique = f"{wanted}_{count}"
        if unique != plain:
            what = f"more than one column is called '{plain}'" if plain else f"column {at + 1} has no name"
            hints[unique] = f"{what}: {RENAMED} '{unique}'"
        found.append(unique)
    last = next((name for name in reversed(found) if name is not None), "")
    if left_out:
        hints[last] = "; ".join(filter(None, (hints.get(last), *left_out)))
    return found, width, hints
