"""The beginning of delimited text: its names, its first rows, and its separator."""

import csv
import functools
import io
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mlspec.sources import _bounds, _text

Dialect = tuple[str | None, str, str, str, tuple[str, ...]]
"""The separator that is stated and the usual one, the quote, the encoding, and the names where there is no header."""
SEPARATORS = (";", "\t", "|", ",")
_STATED = re.compile(r'"?sep=(.)"?[,;\t|]*\r?\n')


class Head(NamedTuple):
    """The names, the first rows, whether there are no more, the separator, and how many lines are above the header."""

    names: list[str]
    rows: list[list[str]]
    whole: bool
    separator: str
    skipped: int


@functools.lru_cache(maxsize=4)
def head(path: Path, dialect: Dialect, _state: tuple[int, ...]) -> Head:
    """The beginning of a file; kept, because its columns and its target's values are asked for one after the other.

    Raises OSError where it can't be read, and ValueError where it is no such text.
    """
    stated, usual, quote, encoding, given = dialect
    text, whole = _text.head(path, encoding, _bounds.ROWS + (1 if given else 2))
    first = _STATED.match(text)
    if first is not None and stated not in (None, first[1]):
        raise ValueError(f"its first line states the separator '{first[1]}', not '{stated}'")
    separator = stated or (first[1] if first is not None else usual)
    text = text if first is None else text[first.end() :]
    lines = io.StringIO(text, newline="\n")  # a line ends as for the engine: at a line feed, and nowhere else
    reader = csv.reader(
        lines, delimiter=separator, quotechar=quote or None, quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    )
    start = 1 + (first is not None)  # the line of the header, or of the first row
    try:
        names = list(given) or [name.strip() for name in next(reader, [])]
        if not names or not text:
            raise ValueError("the file is empty")
        if quote and not given and text[: lines.tell()].count(quote) % 2:
            raise ValueError("its header has an unclosed quote, or a quote inside a name")
        _usable(names)
        numbered = ((number, row) for number, row in enumerate(reader, start if given else start + 1) if row)
        rows = list(islice(numbered, _bounds.ROWS + 1))
    except csv.Error as error:
        raise ValueError(f"not delimited text: {error}") from None
    if not whole and 1 < len(rows) <= _bounds.ROWS:
        rows.pop()  # a cell of several lines may have been cut off in it
    everything = whole and len(rows) <= _bounds.ROWS
    rows = rows[: _bounds.ROWS]
    if len(names) == 1 and stated is None:
        _separated(text, separator)
    for number, row in rows:
        if len(row) != len(names):
            trailing = all(len(row) == len(names) + 1 and not row[-1] for _number, row in rows)
            way = ": each row ends in a separator; add one to the header" if trailing else ""
            raise ValueError(f"line {number} has {len(row)} cells, but the header has {len(names)}{way}")
    return Head(names, [row for _number, row in rows], everything, separator, int(first is not None))


def _usable(names: list[str]) -> None:
    if len(names) > _bounds.COLUMNS:
        raise ValueError(f"it has {len(names):,} columns, but at most {_bounds.COLUMNS:,} are read")
    for name, times in Counter(names).items():
        if times > 1:
            places = " and ".join(str(place) for place, one in enumerate(names, start=1) if one == name)
            raise ValueError(f"two columns are called '{name}'" if name else f"columns {places} have no name")


def _separated(text: str, separator: str) -> None:
    """Raises ValueError where each of the first lines has another separator equally often: one column is not meant."""
    lines = text.splitlines()[:20]
    for other in SEPARATORS:
        counts = {line.count(other) for line in lines if line}
        if other != separator and len(counts) == 1 and counts != {0}:
            shown = "\\t" if other == "\t" else other
            raise ValueError(f"its cells are separated by '{shown}': add separator: \"{shown}\"")
