"""Specs that the published schema allows, or nearly so."""

import copy
import functools
import json
from random import Random
from typing import Any

import wild
from inputs import ROOT

NAMES = (
    "species",
    "age",
    "income",
    "sex",
    "x",
    "birds",
    "linear",
    "trees",
    "date",
    "island",
    "price",
    "review",
    "label",
)
WORDS = (
    *NAMES,
    "5ms",
    "20MB",
    "a b",
    "1970-01-01",
    "x > 1",
    "train",
    "roc_auc",
    "mae",
    "data/penguins.csv",
    "all",
    "auto",
)


@functools.cache
def schema() -> dict[str, Any]:
    """The schema of a spec."""
    found: dict[str, Any] = json.loads((ROOT / "schema/project.schema.json").read_text())
    return found


@functools.cache
def keys() -> tuple[str, ...]:
    """Every key that a spec can have."""
    found: set[str] = set()
    for path in wild.paths(schema()):
        if path and path[-1] == "properties":
            found.update(wild.at(schema(), path))
    return tuple(sorted(found))


@functools.cache
def words() -> tuple[Any, ...]:
    """Every value that the schema names."""
    found: list[Any] = list(WORDS)
    for path in wild.paths(schema()):
        value = wild.at(schema(), path)
        if path and path[-1] in ("enum", "examples") and isinstance(value, list):
            found += [one for one in value if one not in found]
        if path and path[-1] == "const" and value not in found:
            found.append(value)
    return tuple(found)


def made(part: dict[str, Any], chance: Random, depth: int = 0) -> Any:
    """A value that a part of the schema allows."""
    if depth > 8:
        return None
    if "$ref" in part:
        return made(schema()["$defs"][part["$ref"].rpartition("/")[2]], chance, depth + 1)
    for key in ("oneOf", "anyOf", "allOf"):
        if key in part:
            return made(chance.choice(part[key]), chance, depth + 1)
    if "const" in part:
        return part["const"]
    if "enum" in part:
        return chance.choice(part["enum"])
    if part.get("examples") and chance.random() < 0.6:
        return copy.deepcopy(chance.choice(part["examples"]))
    kind = part.get("type")
    kind = chance.choice(kind) if isinstance(kind, list) else kind
    if kind == "object" or "properties" in part:
        found = {
            key: made(value, chance, depth + 1)
            for key, value in part.get("properties", {}).items()
            if key in part.get("required", ()) or chance.random() < 0.3
        }
        more = part.get("additionalProperties")
        if isinstance(more, dict):
            found |= {chance.choice(NAMES): made(more, chance, depth + 1) for _ in range(chance.randrange(3))}
        return found
    if kind == "array":
        return [made(part.get("items", {}), chance, depth + 1) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    if kind in ("integer", "number"):
        return chance.choice(wild.NUMBERS)
    if kind == "boolean":
        return chance.random() < 0.5
    return chance.choice(words()) if kind == "string" else None


def changed(spec: Any, chance: Random) -> Any:
    """A spec with parts made by the schema laid in, or values of it changed for wild ones."""
    if not isinstance(spec, dict) or chance.random() < 0.6:
        return wild.tree(spec, chance, keys(), wild.VALUES if chance.random() < 0.6 else words())
    spec = copy.deepcopy(spec)
    for _ in range(chance.choice((1, 1, 2, 4))):
        key = chance.choice(list(schema()["properties"]))
        new, old = made(schema()["properties"][key], chance), spec.get(key)
        both = isinstance(new, dict) and isinstance(old, dict)
        spec[key] = _laid_over(old, new, chance) if both else new
    return spec


def _laid_over(old: dict[str, Any], new: dict[str, Any], chance: Random) -> dict[str, Any]:
    found = dict(old)
    for key, value in new.items():
        inner = found.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            found[key] = _laid_over(inner, value, chance)
        elif isinstance(inner, list) and isinstance(value, list):
            found[key] = [*inner, *value]
        elif key not in found or chance.random() < 0.3:
            found[key] = value
    return found
