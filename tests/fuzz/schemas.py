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
    """A value that a part of the schema allows, numbers and texts mostly such as people write."""
    if depth > 8:
        return None
    if "$ref" in part:
        return made(_meant(part), chance, depth + 1)
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
            if key in part.get("required", ()) or chance.random() < 0.2
        }
        more = part.get("additionalProperties")
        if isinstance(more, dict):
            found |= {chance.choice(NAMES): made(more, chance, depth + 1) for _ in range(chance.randrange(3))}
        return found
    if kind == "array":
        return [made(part.get("items", {}), chance, depth + 1) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    if kind in ("integer", "number"):
        return _number(part, chance)
    if kind == "boolean":
        return chance.random() < 0.5
    return chance.choice(words()) if kind == "string" else None


def _number(part: dict[str, Any], chance: Random) -> Any:
    if chance.random() < 0.15:
        return chance.choice(wild.NUMBERS)
    ends = [part[key] for key in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum") if key in part]
    near = [end + more for end in ends for more in (0, 1, -1, 0.5)]
    found = chance.choice((0, 1, 2, 3, 5, 10, 100, 0.1, 0.5, 0.9, 0.05, *near))
    return int(found) if part.get("type") == "integer" else found


def _meant(part: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema()["$defs"][part["$ref"].rpartition("/")[2]]
    return found


def parts(path: tuple[Any, ...]) -> list[dict[str, Any]]:
    """The parts of the schema that may say what stands under a path of a spec."""
    here = _plain(schema())
    for key in path:
        inner: list[dict[str, Any]] = []
        for part in here:
            if isinstance(key, int):
                inner += [part["items"]] if isinstance(part.get("items"), dict) else []
            elif key in part.get("properties", {}):
                inner.append(part["properties"][key])
            elif isinstance(part.get("additionalProperties"), dict):
                inner.append(part["additionalProperties"])
        here = [one for part in inner for one in _plain(part)]
    return here


def _plain(part: dict[str, Any], depth: int = 0) -> list[dict[str, Any]]:
    """A part with its references and alternatives followed."""
    if depth > 6:
        return []
    if "$ref" in part:
        return _plain(_meant(part), depth + 1)
    branches = [one for key in ("oneOf", "anyOf", "allOf") for one in part.get(key, ())]
    own = [part] if not branches or "properties" in part else []
    return [*own, *(one for branch in branches for one in _plain(branch, depth + 1))]


def fitting(spec: Any, chance: Random) -> Any:
    """A spec with values or keys of it replaced or added as the schema allows it there."""
    spec = copy.deepcopy(spec)
    for _ in range(chance.choice((1, 1, 2, 3, 5))):
        path = chance.choice([path for path in wild.paths(spec) if path] or [()])
        known = parts(path)
        if not path or not known:
            continue
        here = wild.at(spec, path)
        keys_here = {key: value for part in known for key, value in part.get("properties", {}).items()}
        absent = [key for key in keys_here if isinstance(here, dict) and key not in here]
        if absent and chance.random() < 0.7:
            key = chance.choice(absent)
            here[key] = made(keys_here[key], chance)
        elif isinstance(here, list) and any("items" in part for part in known) and chance.random() < 0.5:
            here.append(made(chance.choice([part["items"] for part in known if "items" in part]), chance))
        else:
            wild.at(spec, path[:-1])[path[-1]] = made(chance.choice(known), chance)
    return spec


def changed(spec: Any, chance: Random) -> Any:
    """A spec with parts made by the schema laid in, or values of it changed for wild ones."""
    if isinstance(spec, dict) and chance.random() < 0.6:
        return fitting(spec, chance)
    if not isinstance(spec, dict) or chance.random() < 0.6:
        return wild.tree(spec, chance, keys(), wild.VALUES if chance.random() < 0.6 else words())
    spec = copy.deepcopy(spec)
    for _ in range(chance.choice((1, 1, 2, 4))):
        key = chance.choice(list(schema()["properties"]))
        new, old = made(schema()["properties"][key], chance), spec.get(key)
        both = isinstance(new, dict) and isinstance(old, dict)
        spec[key] = _merged_into(old, new, chance) if both else new
    return spec


def _merged_into(old: dict[str, Any], new: dict[str, Any], chance: Random) -> dict[str, Any]:
    found = dict(old)
    for key, value in new.items():
        inner = found.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            found[key] = _merged_into(inner, value, chance)
        elif isinstance(inner, list) and isinstance(value, list):
            found[key] = [*inner, *value]
        elif key not in found or chance.random() < 0.3:
            found[key] = value
    return found
