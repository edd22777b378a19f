"""Whether the data engine splits a whole file as Python's csv does: it reads short and blank rows, and quotes inside
cells, in ways of its own."""

import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlspec.sources import _text

LINE_FEED, RETURN = 10, 13
LONGEST = 16 << 20  # bytes of a line


def is_regular(path: Path, encoding: str, separator: str, quote: str, width: int, skipped: int) -> bool:
    """Whether each line is a row of so many cells, one of them filled, with quotes around whole cells alone.

    ``skipped`` lines above the header do not count. Reads the file once, some of it at a time."""
    status = path.stat()
    state = (status.st_size, status.st_mtime_ns, status.st_ino)
    return _surveyed(path, encoding, separator, quote, width, skipped, state)


@functools.lru_cache(maxsize=32)
def _surveyed(
    path: Path, encoding: str, separator: str, quote: str, width: int, skipped: int, _state: tuple[int, ...]
) -> bool:
    is_open = False  # a quoted cell goes on from the lines before
    between = 0  # separators more than these rows should have
    try:
        for block in _lines(_text.blocks(path, encoding), skipped):
            seen = _look(block, separator.encode(), quote.encode(), width, is_open)
            if seen is None:
                return False
            is_open, more = seen
            between += more
            # The engine refuses rows that are too long, so that as many are too short.
            if between and not is_open:
                return False
    except (ValueError, OSError):
        return False  # the row by row reader says why
    return not is_open


def _lines(blocks: Iterable[bytes], skipped: int) -> Iterator[bytes]:
    """The same bytes in pieces that end where a line does."""
    rest = b""
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if not end:
            rest += block
            if len(rest) > LONGEST:
                raise ValueError("a line is too long")
            continue
        piece, rest = rest + block[:end], block[end:]
        while skipped and piece:
            piece, skipped = piece.partition(b"\n")[2], skipped - 1
        yield piece
    if rest:
        yield rest + b"\n"


def _look(block: bytes, separator: bytes, quote: bytes, width: int, is_open: bool) -> tuple[bool, int] | None:
    """Whether a quoted cell goes on behind these lines, and how many separators more they have than their rows should;
    None where a quote is inside a cell, a row is empty, or a line ends in a carriage return alone."""
    import numpy as np

    if b"\0" in block:
        return None
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == LINE_FEED)
    places = np.concatenate(([0], ends[:-1] + 1))
    starts = data[places]
    if quote:
        starts = np.where(starts == quote[0], data[np.minimum(places + 1, len(data) - 1)], starts)
    if np.isin(starts, np.frombuffer(separator + quote + b" \t\r\n", np.uint8)).any():  # a cheap question first
        blank = rb"^[ \t%b%b]*\r?$" % (re.escape(separator), re.escape(quote))
        if re.search(blank, block[:-1], re.MULTILINE):
            return None
    if b"\r" in block and np.count_nonzero(data == RETURN) != block.count(b"\r\n"):
        return None
    more = int(np.count_nonzero(data == separator[0])) - (width - 1) * len(ends)
    if not quote or quote not in block:
        return is_open, 0 if is_open else more
    quotes = np.flatnonzero(data == quote[0])
    opening, closing = quotes[int(is_open) :: 2], quotes[int(not is_open) :: 2]
    before, after = data[opening[opening > 0] - 1], data[closing + 1]
    for beside in (before, after):
        if not ((beside == separator[0]) | (beside == LINE_FEED) | (beside == RETURN) | (beside == quote[0])).all():
            return None
    inside = b"".join(block.split(quote)[int(not is_open) :: 2])
    more -= inside.count(separator) - (width - 1) * inside.count(b"\n")
    return is_open ^ bool(len(quotes) % 2), more
