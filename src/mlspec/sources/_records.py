"""Rows of JSON values as columns: which keys there are, of which types, and their cells.

A key is a column. Of objects, with ``nested: flatten``, each inner key is one, joined by points. A list of numbers is a
column for each, if all rows have lists of one length. What is left is ``other``, with a hint that says what it is.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import replace

from mlspec.plugins.base import Column, Schema
from mlspec.sources import _bounds, _hints, _infer, _nested
from mlspec.sources._json_lines import INTEGER_BITS, Row, cell

Nested = Literal["flatten", "drop"] | None
NestedKey = Annotated[
    Nested,
    Meta(
        description="What becomes of objects and lists in a row: `flatten` makes each key of an object a column "
        "(`address.city`), `drop` leaves objects and lists out; if left out, each is named in a warning."
    ),
]
MissingTexts = Annotated[tuple[str, ...], Meta(description="Texts that count as missing, in addition to null.")]
DateForms = Annotated[
    dict[str, str],
    Meta(
        description="The format of dates by column, in strftime codes, where it is not ISO 8601.",
        examples=[{"sold": "%m/%d/%Y"}],
    ),
]
DEEPEST = 8  # objects in each other that are flattened
MOST_CELLS = 100_000  # distinct cells that are kept until they are looked at
_ALIKE: dict[str, set[str]] = {"number": {"integer", "number"}, "datetime": {"date", "datetime"}}
_WORDS = {str: "text", int: "a number", float: "a number", bool: "true or false"}


class _Key:
    """What all values of a key are."""

    def __init__(self) -> None:
        self.cells: dict[str, int] = {}
        self.look: _infer.Look | None = None
        self.alike = ""
        self.object = self.list = ""  # where the first one is
        self.scalars: dict[str, str] = {}
        self.width, self.plain, self.differing = 0, True, ""
        self.names: tuple[str, ...] = ()

    def add(self, value: Any, place: str) -> None:
        if isinstance(value, dict):
            self.object, self.names = (self.object, self.names) if self.object else (place, tuple(value)[:6])
        elif isinstance(value, list):
            if not self.list:
                self.list, self.width = place, len(value)
            elif len(value) != self.width and not self.differing:
                self.differing = f"its lists have length {self.width:,}, but {len(value):,} in {place}"
            self.plain = self.plain and all(type(one) in (int, float) or one is None for one in value)
        else:
            self.scalars.setdefault(_WORDS[type(value)], place)
            text = cell(value)
            self.cells[text] = self.cells.get(text, 0) + 1

    @property
    def scalar(self) -> str:
        """Where the first single value is."""
        return next(iter(self.scalars.values()), "")

    def fold(self) -> None:
        """The cells so far, looked at and forgotten."""
        if self.cells:
            seen = _infer.look(self.cells)
            self.alike = self.alike or _hints.alike(list(islice(self.cells, _bounds.ROWS)))
            self.look = seen if self.look is None else _infer.together(self.look, seen)
            self.cells = {}


def columns(rows: Iterable[Row], nested: Nested, missing: frozenset[str]) -> Schema:
    """The columns of these rows, in the order in which their keys appear first. Raises ValueError for too many, and for
    a number that nothing holds."""
    keys: dict[str, _Key] = {}
    kept = 0
    for place, row in rows:
        for name, value in leaves(row, nested, place):
            key = keys.get(name)
            if key is None:
                key = keys[name] = _new(name, len(keys), place)
            if value is None or (type(value) is str and value in missing):
                continue
            if type(value) is int and value.bit_length() > INTEGER_BITS:
                raise ValueError(f"{place}: the number of '{name}' is too large")
            before = len(key.cells)
            key.add(value, place)
            kept += len(key.cells) - before
        if kept > MOST_CELLS:
            for key in keys.values():
                key.fold()
            kept = 0
    inner = (
        {name[:at] for name in keys for at, sign in enumerate(name) if sign == "."} if nested == "flatten" else set()
    )
    mixed = {name for name in inner if name in keys and (keys[name].scalar or keys[name].list)}
    found: list[Column] = []
    for name, key in keys.items():
        if any(name.startswith(f"{one}.") for one in mixed) or (name in inner and name not in mixed):
            continue
        found += _decided(name, key, nested, keys, is_mixed=name in mixed)
    return tuple(found)


def leaves(
    row: Mapping[str, Any], nested: Nested, place: str, before: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """The values of a row by the names of their columns."""
    for key, value in row.items():
        if nested == "flatten":
            if "." in key:
                raise ValueError(f"{place}: the key '{before}{key}' has a point, by which `nested: flatten` joins keys")
            if type(value) is dict and depth < DEEPEST:
                if value:
                    yield from leaves(value, nested, place, f"{before}{key}.", depth + 1)
                else:
                    yield f"{before}{key}", None
                continue
        yield f"{before}{key}", value


def _new(name: str, count: int, place: str) -> _Key:
    if count >= _bounds.COLUMNS:
        raise ValueError(f"it has more than {_bounds.COLUMNS:,} columns ({place}), but at most as many are read")
    if len(name) > _bounds.NAME:
        raise ValueError(f"{place}: a key has {len(name):,} characters, but at most {_bounds.NAME:,} are read")
    return _Key()


def _decided(name: str, key: _Key, nested: Nested, keys: Mapping[str, _Key], *, is_mixed: bool) -> list[Column]:
    """The columns of a key."""
    key.fold()
    hint = ""
    if is_mixed:
        hint = f"it is an object in some rows, but none in {key.scalar or key.list}"
    elif key.object or key.list:
        if nested == "drop":
            return []
        if key.object and (key.list or key.scalar):
            hint = f"it is an object in {key.object}, but none in {key.list or key.scalar}"
        elif key.object:
            names = ", ".join(key.names[:5]) + (", ..." if len(key.names) > 5 else "")
            way = "" if nested == "flatten" else ": nested: flatten makes its keys columns, nested: drop leaves it out"
            hint = f"it is an object ({names}){way}"
        elif key.scalar:
            hint = f"it is a list in {key.list}, but none in {key.scalar}"
        else:
            hint = _list_hint(name, key, keys)
            if not hint:
                return [Column(f"{name}_{at}", "number") for at in range(key.width)]
    if hint:
        return [Column(name, "other", hint=hint)]
    column = _infer.decided(name, key.look or _infer.Look(some=False))
    if len(key.scalars) > 1 and not column.odd:
        (one, first), (other, second), *_more = key.scalars.items()
        kind = "text" if column.type == "category" else f"{column.type}s"
        column = replace(column, hint=f"it is {one} in {first} and {other} in {second}: all of it is read as {kind}")
    elif column.type == "category":
        column = replace(column, hint=key.alike)
    return [column]


def _list_hint(name: str, key: _Key, keys: Mapping[str, _Key]) -> str:
    """Why a list is no columns; empty where it is."""
    if not key.plain:
        return "it is a list of texts, lists or objects: write a key for each value"
    if key.differing:
        return f"{key.differing}: write lists of one length"
    if not key.width:
        return "its lists are empty"
    if key.width > _bounds.COLUMNS:
        return f"its lists have {key.width:,} numbers, too many for columns"
    twice = next((other for at in range(key.width) if (other := f"{name}_{at}") in keys), None)
    return (
        "" if twice is None else f"its numbers would be columns such as '{twice}', which is a key: rename one of them"
    )


def placed(columns: Schema, before: Schema, rows: Callable[[], Iterable[Row]], nested: Nested) -> Schema:
    """The columns with the places of their odd cells; and of those that have another type than ``before``, in the first
    rows, because of text further down, with the place of that in their hint."""
    kinds = {c.name: c.type for c in before if c.type not in ("category", "other", "image")}
    odd = {column.name: {text for text, _place in column.odd} for column in columns if column.odd}
    lost = {
        c.name: _ALIKE.get(kinds[c.name], {kinds[c.name]}) for c in columns if c.type == "category" and c.name in kinds
    }
    places: dict[tuple[str, str], str] = {}
    total = sum(map(len, odd.values())) + len(lost)
    for place, row in rows() if total else ():
        for name, value in leaves(row, nested, place):
            if name in odd and value is not None and cell(value) in odd[name]:
                places.setdefault((name, cell(value)), place)
            elif name in lost and (name, "") not in places and value is not None and _is_other(value, lost[name]):
                places[name, ""] = place
        if len(places) == total:
            break
    made = []
    for c in columns:
        if c.odd:
            c = replace(c, odd=tuple((text, places.get((c.name, text), "")) for text, _place in c.odd))
        elif c.name in lost:
            where = places.get((c.name, ""), "a later row")
            text = f"its first rows are {kinds[c.name]}s, but {where} has something else: all of it is read as text"
            c = c if c.hint else replace(c, hint=text)
        made.append(c)
    return tuple(made)


def _is_other(value: Any, kinds: Collection[str]) -> bool:
    return isinstance(value, list | dict) or _infer.narrowest([cell(value)]) not in kinds


def values(rows: Iterable[Row], column: str, nested: Nested, missing: frozenset[str]) -> tuple[str, ...] | None:
    """The cells of a column as text; None where it has none."""
    found: list[str] = []
    known = False
    part = _nested.part_of(column)
    for place, row in rows:
        for name, value in leaves(row, nested, place):
            one = value
            if part is not None and name == part[0] and isinstance(value, list) and part[1] < len(value):
                one = value[part[1]]
            elif name != column:
                continue
            if isinstance(one, list | dict):
                return None
            known = True
            if one is not None and not (isinstance(one, str) and one in missing):
                found.append(cell(one))
    return tuple(found) if known else None


def some(rows: Iterable[Row], nested: Nested, missing: tuple[str, ...]) -> Schema:
    """The columns of these rows. Raises ValueError where there are none."""
    found = columns(rows, nested, frozenset(missing))
    if not found:
        raise ValueError("the file is empty")
    return found
