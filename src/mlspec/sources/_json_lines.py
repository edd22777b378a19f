"""A JSON object a line: read as strictly as the data engine does."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mlspec.machine import json_values

Row = tuple[str, dict[str, Any]]
"""Where a row is, and its values by their keys."""
INTEGER_BITS = 128  # of the largest integer that the data engine reads


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


def cell(value: Any) -> str:
    """A single value as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _not_a_number(line: bytes | str) -> str:
    """The key with a value such as NaN, which Python writes, and JSON does not have."""
    try:
        row = json.loads(line, parse_constant=Word)
    except (ValueError, RecursionError):
        return ""
    return word_in(row) if isinstance(row, dict) else ""


def word_in(row: dict[str, Any]) -> str:
    """The first value of a row that is a word, with its key; empty if there is none."""
    found = next(((key, value) for key, value in row.items() if isinstance(value, Word)), None)
    return "" if found is None else f"'{found[0]}' is {found[1]}, which JSON does not have: write null"


class Word(str):
    """NaN, Infinity or -Infinity."""
