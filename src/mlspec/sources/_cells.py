"""Delimited text as Python's csv reads it: a quote counts at the beginning of a cell alone."""

import csv
from collections.abc import Iterable, Iterator

_END = "\0"  # no text that is read has one


def rows(
    lines: Iterable[str], separator: str, quote: str, *, padded: bool = False, complete: bool = True
) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold anything, each with the number of the line that it begins in, from 1.

    ``padded``: blanks around a cell are no part of it. ``complete``: these are all lines of the file.
    Raises ValueError where it is no such text.
    """
    fed = _ended(lines) if complete else lines
    reader = csv.reader(
        fed,
        delimiter=separator,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        skipinitialspace=padded,
        strict=not padded,  # a quote that closes inside a cell has opened where none was meant
    )
    line = 1
    try:
        for row in reader:
            if complete and row and row[-1].endswith(_END):
                if row != [_END]:
                    raise ValueError(_unclosed(line))
                return
            if padded:
                row = [cell.rstrip(" ") for cell in row]
            if row and (row[0].strip(" \t") or any(cell.strip(" \t") for cell in row)):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        is_quote = "expected after" in str(error) or "unexpected end" in str(error) or "field limit" in str(error)
        text = _unclosed(line) if is_quote and quote else f"line {line}: {error}"
        raise ValueError(f"not delimited text: {text}" if not is_quote else text) from None


def _ended(lines: Iterable[str]) -> Iterator[str]:
    """These lines, and one of which a row is made if no quote is open."""
    yield from lines
    yield _END


def _unclosed(line: int) -> str:
    return f'line {line} has a quote that closes nowhere, or inside a cell: if no cell is quoted, add quote: ""'
