"""A contract between its form elsewhere and the language here: columns, and expectations as a spec writes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from mlspec.plugins.base import ColumnType
from mlspec.spec.dump import spelled

Expected = dict[str, Any]
BESIDES = ("source", "tolerance", "severity", "on_fail")
WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")  # what one YAML or another takes for no text
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Field(Struct, frozen=True, kw_only=True):
    """A column: its name, its type (None where the contract doesn't say), its personal data, and its description."""

    name: str
    type: ColumnType | None = None
    personal: str | None = None
    description: str = ""


class Contract(Struct, frozen=True, kw_only=True):
    """What a contract says: ``expect`` as ``data.expect`` writes it, ``unmapped`` in words what has no place here (or,
    written elsewhere, there)."""

    format: str
    name: str = ""
    description: str = ""
    license: str = ""
    fields: tuple[Field, ...] = ()
    expect: tuple[Expected, ...] = ()
    unmapped: tuple[str, ...] = ()


class Reading:
    """What a reader collects on its way through a document."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self.expect: list[Expected] = []
        self.unmapped: list[str] = []

    def add(self, about: Mapping[str, Any], **check: Any) -> None:
        """An expectation, unless it is there already."""
        made = {**about, **check}
        if made not in self.expect:
            self.expect.append(made)

    def lacks(self, what: str) -> None:
        """Something that has no place in the language."""
        shown = " ".join(what.split())
        self.unmapped.append(shown if len(shown) <= 300 else shown[:300] + " ...")

    def rest(self, where: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
        """The keys that nothing reads and that say something."""
        for key, value in given.items():
            if key not in known and value not in (None, "", [], {}, False):
                self.lacks(f"{where}: {key}: {show(value)}")

    def between(self, column: str, low: Any, high: Any, *, more: Mapping[str, Any] | None = None) -> bool:
        """A range that may be open at one side; whether there is any."""
        ends = [number(low), number(high)]
        if ends[0] is not None and ends[1] is not None:
            self.add({"column": column, "between": ends}, **(more or {}))
        elif ends[0] is not None or ends[1] is not None:
            sign, end = (">=", ends[0]) if ends[1] is None else ("<=", ends[1])
            self.add({"holds": f"{quoted(column)} {sign} {show(end)}"}, **(more or {}))
        else:
            return False
        return True

    def done(self, format: str, name: Any = "", description: Any = "") -> Contract:  # noqa: A002
        """The contract that was read."""
        return Contract(
            format=format,
            name=text(name),
            description=text(description),
            fields=tuple(self.fields.values()),
            expect=tuple(self.expect),
            unmapped=tuple(self.unmapped),
        )


def mapping(value: Any) -> dict[str, Any]:
    """A mapping, empty where the value is none."""
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """A list, empty where the value is none."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """Text, empty where the value is none."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> int | float | None:
    """A finite number, None where the value is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < float("inf") else None


def scalars(value: Any) -> list[Any] | None:
    """Values that `allowed` can list, None where some can't be there."""
    found = listing(value)
    fits = all(isinstance(one, str | bool) or number(one) is not None for one in found)
    return found if found and fits else None


def quoted(column: str) -> str:
    """A column's name in an expression."""
    return column if PLAIN.fullmatch(column) else '"' + column.replace('"', '""') + '"'


def bounds(low: Any, high: Any) -> dict[str, Any]:
    """Bounds as a spec writes them, empty where there is none."""
    ends = {"at_least": number(low), "at_most": number(high)}
    return {side: end for side, end in ends.items() if end is not None}


def anchored(pattern: str) -> str:
    """A pattern of which a part of the text may match -> one that all of it matches, as `matches` wants it."""
    whole = re.fullmatch(r"\^\(\?:(.*)\)\$", pattern, re.DOTALL)
    if whole is not None:
        return whole[1]
    if pattern.startswith("^") and pattern.endswith("$") and not pattern.endswith("\\$") and "|" not in pattern:
        return pattern[1:-1]
    return f"[\\s\\S]*(?:{pattern})[\\s\\S]*"


def unanchored(pattern: str) -> str:
    """The other way round: the pattern with its ends."""
    return f"^(?:{pattern})$"


def atoms(expect: Sequence[Any]) -> list[Expected]:
    """Expectations with one check each, what is not stated left out: each keeps its own severity."""
    found: list[Expected] = []
    for expectation in expect:
        given = {k: v for k, v in msgspec.to_builtins(expectation).items() if v is not None and v not in ([], ())}
        rest = {k: v for k, v in given.items() if k in BESIDES and v != PLAINLY.get(k)}
        about = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items() if k in ("column", "columns")}
        for key, value in given.items():
            if key not in BESIDES and key not in about and value is not False:
                asked = _clean(value)
                if key == "freshness":
                    asked = {"at_most": spelled(asked["at_most"], "duration")}
                found.append({**about, key: asked, **rest})
    return found


PLAINLY = {"tolerance": 0.0, "severity": "error", "on_fail": "stop"}


def check_of(atom: Mapping[str, Any]) -> tuple[str, Any]:
    """The check of such an expectation, and what it asks."""
    return next((k, v) for k, v in atom.items() if k not in (*BESIDES, "column", "columns"))


def show(value: Any) -> str:
    """A value as YAML on one line."""
    import json

    if isinstance(value, dict):
        return "{" + ", ".join(f"{show(str(k))}: {show(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(show(one) for one in value) + "]"
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", value)
    if plain and value.lower() not in WORDS:
        return str(value)
    if isinstance(value, str):
        # What JSON leaves as it is and YAML does not take.
        return re.sub(
            r"[\x7f-\x9f\u2028\u2029\ufeff]", lambda c: f"\\u{ord(c[0]):04x}", json.dumps(value, ensure_ascii=False)
        )
    return json.dumps(value, ensure_ascii=False, default=str)


def _clean(value: Any) -> Any:
    """Leaves out nested keys that are not stated, and writes integers without decimals."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items() if v is not None}
    return [_clean(v) for v in value] if isinstance(value, list | tuple) else value
