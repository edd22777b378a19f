"""Cells of a row as Python's own values: what is read without the data engine, and its rules."""

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]

EXPECTED: Mapping[str, str] = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "category": "a text",
    "date": "a date (like 2024-01-31)",
    "datetime": "a date and time (like 2024-01-31 10:00)",
    "image": "an image (its bytes, or base64)",
}
EXACT = 2**53  # the integers up to here are exact as floats
DAY = re.compile(r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}")
TIME = re.compile(rf"{DAY.pattern}[ T][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}})?")


class OtherCell(Exception):  # noqa: N818 (a way, no failure)
    """A cell that only the data engine reads."""


def reader(kind: str) -> Callable[[Any], Any]:
    """What reads a cell of a column of this type, which is no image. Its function raises OtherCell."""
    return {
        "integer": _integer,
        "number": _number,
        "boolean": _boolean,
        "category": _category,
        "date": _date,
        "datetime": _datetime,
    }[kind]


def _integer(cell: Any) -> int | None:
    if cell is None:
        return None
    if type(cell) is float:
        if cell != cell:
            return None
        if cell.is_integer():
            cell = int(cell)
    if type(cell) is int and -EXACT <= cell <= EXACT:
        return cell
    raise OtherCell


def _number(cell: Any) -> float | None:
    if type(cell) is float:
        return cell if cell == cell else None
    if cell is None:
        return None
    if type(cell) is int and -EXACT <= cell <= EXACT:
        return float(cell)
    raise OtherCell


def _boolean(cell: Any) -> bool | None:
    if cell is None or type(cell) is bool:
        return cell
    raise OtherCell


def _category(cell: Any) -> str | None:
    if cell is None or type(cell) is str:
        return cell
    raise OtherCell


def _date(cell: Any) -> datetime.date | None:
    if cell is None:
        return None
    if type(cell) is str and DAY.fullmatch(cell):
        try:
            return datetime.date.fromisoformat(cell.replace("/", "-"))
        except ValueError:
            pass
    raise OtherCell


def _datetime(cell: Any) -> datetime.datetime | None:
    if cell is None:
        return None
    if type(cell) is str and TIME.fullmatch(cell):
        try:
            return datetime.datetime.fromisoformat(cell.replace("/", "-"))
        except ValueError:
            pass
    raise OtherCell
