"""Quotes where delimited text should have none."""

import contextlib
from pathlib import Path

from mlspec.sources import _text


def bare(path: Path, encoding: str, separator: str, quote: str) -> int | None:
    """The line of the first quote inside a cell that does not begin with one; None where there is none."""
    is_quoted = False  # the cell goes on from the line before
    with contextlib.closing(_text.lines(path, encoding)) as lines:
        for number, line in lines:
            at = 0
            while at < len(line):
                if not is_quoted and line[at] != quote:
                    end = _or_end(line, line.find(separator, at))
                    if quote in line[at:end]:
                        return number
                else:
                    closing = _closing(line, at if is_quoted else at + 1, quote)
                    is_quoted = closing < 0
                    end = len(line) if is_quoted else _or_end(line, line.find(separator, closing))
                at = end + 1
    return None


def _closing(line: str, at: int, quote: str) -> int:
    """The place of the quote that ends a cell, two of them being one of its characters; -1 where it goes on."""
    while (at := line.find(quote, at)) >= 0 and line[at + 1 : at + 2] == quote:
        at += 2
    return at


def _or_end(line: str, place: int) -> int:
    return place if place >= 0 else len(line)
