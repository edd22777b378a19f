"""A JSON object a line: read as strictly as the data engine does."""

from typing import Any

from mlspec.machine import json_values
from mlspec.plugins.base import ColumnType

NAMES = {bool: "true or false", int: "an integer", float: "a number", list: "a list", dict: "an object"}
FITTING: dict[ColumnType, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
INTEGER_BITS = 128  # of the largest integer that the data engine reads


def objects(text: str, most: int | None = None) -> tuple[list[dict[str, Any]], bool]:
    """The objects of the first lines, and whether these are all.

    Raises ValueError, naming the line, for one that is no JSON object of single values, or has a number that nothing
    can hold.
    """
    if text.lstrip()[:1] == "[":
        raise ValueError("it is one JSON array: write an object a line, as `jq -c '.[]'` does")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    found = []
    for number, line in enumerate(lines[:most], start=1):
        try:
            row = json_values.decode(line)
        except ValueError as error:
            message = str(error).partition(" - at `")[0]
            raise ValueError(f"line {number} is not JSON: {message}") from None
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is not a JSON object")
        for key, value in row.items():
            if isinstance(value, list | dict):
                raise ValueError(
                    f"line {number}: '{key}' is a {type(value).__name__}, but a cell must be a single value"
                )
            if isinstance(value, int) and value.bit_length() > INTEGER_BITS:
                raise ValueError(f"line {number}: the number of '{key}' is too large")
        found.append(row)
    return found, most is None or len(lines) <= most


def unlike(value: Any, kind: ColumnType) -> str:
    """What a value is that is not of a column's type; empty where it is."""
    if value is None:
        return ""
    name = next((name for type_, name in NAMES.items() if type(value) is type_), "a text")
    return "" if kind not in FITTING or type(value) in FITTING[kind] else name


def cell(value: Any) -> str:
    """A single value as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
