"""A JSON document that is a table, in one of the usual forms, as one compact object a row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from mlspec.machine import json_values
from mlspec.sources import _text
from mlspec.sources._json_lines import Word, word_in

LARGEST = 128 << 20  # bytes of a document: it is in memory
BY_COLUMN = 32 << 20  # bytes of one that has its columns one after the other: all of its values are in memory
Raw = msgspec.Raw


def lines(path: Path) -> Iterator[bytes]:
    """The rows of a document, each an object on a line of its own; those of JSON Lines as they are.

    Raises OSError where it can't be read, and ValueError where it is no such table, or too large.
    """
    data = bytearray()
    for block in _text.blocks(path, "utf-8"):
        data += block
        if len(data) > LARGEST:
            way = "write an object a line (`jq -c '.[]'`) and name it .jsonl"
            raise ValueError(f"it has more than {LARGEST >> 20} MiB, which are read as one document: {way}")
    text = bytes(data)
    first = text.lstrip()[:1]
    if first == b"[":
        yield from _array(text)
    elif first == b"{" and _is_lines(text):
        yield from text.split(b"\n")
    elif first == b"{":
        yield from _object(text)
    elif not first:
        raise ValueError("the file is empty")
    else:
        raise ValueError("it is no JSON array, and no JSON object")


def _is_lines(text: bytes) -> bool:
    """Whether the first line is an object, and another follows."""
    first, _, rest = text.lstrip().partition(b"\n")
    try:
        json_values.decode(first, dict[str, Raw])
    except ValueError:
        return False
    return rest.lstrip()[:1] == b"{"


def _array(text: bytes) -> Iterator[bytes]:
    for number, raw in enumerate(_decoded(text, list[Raw]), start=1):
        row = bytes(raw)
        if not row.lstrip().startswith(b"{"):
            raise ValueError(f"row {number} is no object: a table is an array of objects")
        yield _compact(row)


def _object(text: bytes) -> Iterator[bytes]:
    """A table as pandas writes it (orient: split, table, columns, index, or a list for each column), or the one array
    of objects in an answer of a service."""
    parts = _decoded(text, dict[str, Raw])
    kinds = {name: bytes(part).lstrip()[:1] for name, part in parts.items()}
    if {"columns", "data"} <= parts.keys() <= {"columns", "data", "index"}:
        names = _names(_small(text, parts["columns"], list[Any]))
        for row in _small(text, parts["data"], list[list[Any]]):
            yield msgspec.json.encode(dict(zip(names, row, strict=False)))
        return
    arrays = [name for name, kind in kinds.items() if kind == b"[" and _holds_objects(parts[name])]
    if len(arrays) == 1:
        yield from _array(bytes(parts[arrays[0]]))
    elif kinds and set(kinds.values()) == {b"["}:
        columns = {name: _small(text, part, list[Any]) for name, part in parts.items()}
        if len({len(cells) for cells in columns.values()}) != 1:
            raise ValueError("its arrays have several lengths, so they are no columns of a table")
        for cells in zip(*columns.values(), strict=True):
            yield msgspec.json.encode(dict(zip(columns, cells, strict=True)))
    elif kinds and set(kinds.values()) == {b"{"}:
        yield from _keyed({name: _small(text, part, dict[str, Any]) for name, part in parts.items()})
    else:
        way = "write an array of objects, as `jq` does with the path to it (`.results`)"
        raise ValueError(f"it is one JSON object, but no table: {way}")


def _keyed(outer: dict[str, dict[str, Any]]) -> Iterator[bytes]:
    """Objects of objects: rows of columns if the outer keys are numbers, else columns of rows."""
    if all(name.isdecimal() for name in outer) and not all(name.isdecimal() for row in outer.values() for name in row):
        for row in outer.values():
            yield msgspec.json.encode(row)
        return
    for index in dict.fromkeys(name for cells in outer.values() for name in cells):
        yield msgspec.json.encode({name: cells.get(index) for name, cells in outer.items()})


def _holds_objects(part: Raw) -> bool:
    return bytes(part)[1:].lstrip()[:1] == b"{"


def _names(found: list[Any]) -> list[str]:
    return [name if isinstance(name, str) else msgspec.json.encode(name).decode() for name in found]


def _small(text: bytes, part: Raw, kind: Any) -> Any:
    if len(text) > BY_COLUMN:
        raise ValueError(
            f"it has more than {BY_COLUMN >> 20} MiB and its columns one after the other: write an array of objects "
            "(pandas: orient='records')"
        )
    return _decoded(bytes(part), kind)


def _decoded(data: bytes, kind: Any) -> Any:
    try:
        return json_values.decode(data, kind)
    except ValueError as error:
        message = _with_word(data) or str(error).partition(" - at `")[0]
        raise ValueError(f"it is not JSON: {message}") from None


def _with_word(data: bytes) -> str:
    """The row of an array with a value such as NaN, which Python writes, and JSON does not have."""
    if len(data) > BY_COLUMN or not (b"NaN" in data or b"Infinity" in data):
        return ""
    try:
        rows = json.loads(data, parse_constant=Word)
    except (ValueError, RecursionError):
        return ""
    for number, row in enumerate(rows if isinstance(rows, list) else (), start=1):
        if isinstance(row, dict) and (found := word_in(row)):
            return f"in row {number}, {found}"
    return "it has NaN or Infinity, which JSON does not have: write null"


def _compact(row: bytes) -> bytes:
    """An object on one line."""
    if b"\n" not in row:
        return row
    try:
        return msgspec.json.format(row, indent=-1)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ValueError(f"it is not JSON: {error}") from None
