"""The rows of a request: JSON of anybody's, whose depth and keys are looked at before anything is made of them."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from mlspec.serving.refusal import Refused

Row = dict[str, Any]
Scalar = str | int | float | bool | None

ROWS = msgspec.json.Decoder(dict[str, Scalar] | list[dict[str, Scalar]])
KINDS = {dict: "an object", list: "an array", str: "a text", int: "a number", float: "a number", bool: "true or false"}


def decoded(body: bytes) -> Any:
    """The value of a JSON text. Raises Refused where it is none, is nested too deeply or has a key twice."""
    try:
        value = msgspec.json.decode(body)
    except RecursionError:
        raise Refused(400, "not-json", "the body is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _no_json(body, error) from None
    if body.count(b":") > _keys(value):
        _unique(body)
    return value


def of_objects(body: bytes, most: int) -> list[Row]:
    """The rows of a body that is one object, or a list of them. Raises Refused for anything else."""
    try:
        found: Any = ROWS.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        found = decoded(body)  # fields that no model reads may hold anything
    else:
        keys = len(found) if type(found) is dict else sum(map(len, found))
        if body.count(b":") > keys:
            _unique(body)
    rows = [found] if type(found) is dict else found
    if type(rows) is not list:
        kind = KINDS.get(type(rows), "null")
        raise Refused(422, "no-rows", f"the body is {kind}: send an object, or an array of objects")
    counted(len(rows), most)
    for place, row in enumerate(rows):
        if type(row) is not dict:
            kind = KINDS.get(type(row), "null")
            raise Refused(422, "no-rows", f"row {place} is {kind}: a row is an object, a value for each field")
    return rows


def first(body: bytes, field: str) -> str | None:
    """The value of a field in the first row, as text; None where there is none, or the body has no such rows."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    row = found[0] if type(found) is list and found else found
    return _text(row.get(field)) if type(row) is dict else None


def first_of_tensors(body: bytes, field: str) -> str | None:
    """The same of the tensor with that name."""
    try:
        inputs = msgspec.json.decode(body)["inputs"]
        data = next(one["data"] for one in inputs if one["name"] == field)
        return _text(data[0][0] if type(data[0]) is list else data[0])
    except (msgspec.MsgspecError, UnicodeError, RecursionError, LookupError, TypeError, StopIteration):
        return None


def _text(cell: Any) -> str | None:
    return None if cell is None or type(cell) in (dict, list) else str(cell)


def counted(rows: int, most: int, what: str = "row") -> None:
    """Raises Refused where a request has no rows, or more than so many."""
    if not rows:
        raise Refused(422, f"no-{what}s", f"the request has no {what}s")
    if rows > most:
        raise Refused(413, f"too-many-{what}s", f"the request has {rows:,} {what}s, more than {most:,}")


def _no_json(body: bytes, error: Exception) -> Refused:
    text = str(error)
    if isinstance(error, UnicodeError):
        text = "it is not UTF-8"
    elif "truncated" in text:
        text = "it ends too early, or has half of a surrogate pair"
    if not body.strip():
        text = "it is empty"
    return Refused(400, "not-json", f"the body can't be read as JSON: {text}")


def _unique(body: bytes) -> None:
    """Raises Refused where an object has a key twice: which of both counts would be the decoder's choice.

    Each key is followed by a colon: only where there are more colons than keys does the text have to be looked at.
    """
    json.loads(body, object_pairs_hook=_object, parse_int=str, parse_float=str)


def _keys(value: Any) -> int:
    """How many keys all objects of a value have."""
    count, left = 0, [value]
    while left:
        one = left.pop()
        if type(one) is dict:
            count += len(one)
            left += [cell for cell in one.values() if type(cell) is dict or type(cell) is list]
        elif type(one) is list:
            left += [cell for cell in one if type(cell) is dict or type(cell) is list]
    return count


def _object(pairs: Sequence[tuple[str, Any]]) -> None:
    seen = set()
    for name, _cell in pairs:
        if name in seen:
            raise Refused(400, "duplicate-key", f"the body has the key {shown(name)} twice in one object")
        seen.add(name)


def shown(name: str) -> str:
    """A name that a client sent, short, with nothing that a terminal or a page would obey."""
    return ascii(name if len(name) <= 60 else f"{name[:60]}...")
