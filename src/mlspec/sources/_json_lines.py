"""A JSON object a line: read as strictly as the data engine does."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlspec.machine import json_values
from mlspec.sources import _text
from mlspec.sources._records import INTEGER_BITS, Row, cell

LONGEST = 16 << 20  # bytes of a line


def rows(lines: Iterable[bytes | str], of: str = "", word: str = "line") -> Iterator[Row]:
    """The objects of lines, each with the place that it is in, a line ``of`` a file; empty lines are none.

    Raises ValueError, naming the line, for one that is no JSON object.
    """
    for number, line in enumerate(lines, start=1):
        try:
            row = json_values.decode(line)
        except ValueError as error:
            if not line.strip():
                continue
            message = _not_a_number(line) or str(error).partition(" - at `")[0]
            raise ValueError(f"{word} {number} is not JSON: {message}") from None
        if not isinstance(row, dict):
            raise ValueError(f"{word} {number} is not a JSON object")
        yield f"{word} {number}{of and f' of {of}'}", row


def head(text: str, most: int, of: str) -> tuple[list[Row], bool]:
    """The objects of the first lines of a text, and whether these are all. Raises ValueError as ``rows`` does."""
    if text.lstrip()[:1] == "[":
        raise ValueError("it is one JSON array: rename it to end in .json, or write an object a line (`jq -c '.[]'`)")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return list(rows(lines[:most], of)), len(lines) <= most


def single(text: str, most: int | None = None) -> list[dict[str | None, str]]:
    """The objects of the first lines. Raises ValueError also for one that has a value other than a single one."""
    lines = text.split("\n")
    found: list[dict[str | None, str]] = []
    for place, row in rows(lines[:most]):
        for key, value in row.items():
            if isinstance(value, list | dict):
                raise ValueError(f"{place}: '{key}' is a {type(value).__name__}, but a cell must be a single value")
            if isinstance(value, int) and value.bit_length() > INTEGER_BITS:
                raise ValueError(f"{place}: the number of '{key}' is too large")
        found.append({key: cell(value) for key, value in row.items() if value is not None})
    return found


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file, decompressed. Raises OSError and ValueError where it can't be read."""
    rest = b""
    for block in _text.blocks(path, "utf-8"):
        *found, rest = (rest + block).split(b"\n")
        yield from found
        if len(rest) > LONGEST:
            raise ValueError(f"a line is longer than {LONGEST >> 20} MiB")
    if rest:
        yield rest


def _not_a_number(line: bytes | str) -> str:
    """The key with a value such as NaN, which Python writes, and JSON does not have."""
    try:
        row = json.loads(line, parse_constant=_Word)
    except (ValueError, RecursionError):
        return ""
    found = [(key, value) for key, value in row.items() if isinstance(value, _Word)] if isinstance(row, dict) else []
    return f"'{found[0][0]}' is {found[0][1]}, which JSON does not have: write null" if found else ""


class _Word(str):
    """NaN, Infinity or -Infinity."""
