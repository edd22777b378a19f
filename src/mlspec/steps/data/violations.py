"""What does not hold of data, in words, and the pieces that such words are made of."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

MASK = "•••"


class Fault(Struct, frozen=True):
    """Something that does not hold: in words, and what to write in the spec if it is meant to be so."""

    text: str
    offer: str = ""


def broken(bounds: Mapping[str, Any], value: float) -> list[tuple[str, float]]:
    """The bounds that a value breaks."""
    low, high = bounds.get("at_least"), bounds.get("at_most")
    found = [("at least", low)] if low is not None and value < low else []
    return found + ([("at most", high)] if high is not None and value > high else [])


def figure(value: float) -> str:
    """A number for people."""
    return f"{value:,.6g}" if isinstance(value, float) and not float(value).is_integer() else f"{value:,.0f}"


def flow(value: Any) -> str:
    """A value as it is in a spec."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    plain = isinstance(value, str) and value.isidentifier() and value.lower() not in ("true", "false", "null")
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def other_than(column: str, value: str) -> str:
    """The expression of a spec for rows with another text in a column."""
    name, text = column.replace('"', '""'), value.replace("'", "''")
    return f"\"{name}\" <> '{text}'"
