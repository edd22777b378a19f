"""Project -> what it means: every value by a key that stays the same however the file is written."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from mlspec.diff import identity
from mlspec.document import Document, Path
from mlspec.graph.fingerprint import plain
from mlspec.plugins.base import PluginRef
from mlspec.spec import Project
from mlspec.spec.shape import Field, Shape, fields, members

Key = tuple[str, ...]
ORDER, NAME = "(order)", "(step)"


class Leaf(Struct, frozen=True):
    """A value: as plain data with one spelling of each number; the pattern that its rule is found by; its place in the
    document; its default; its unit (``duration``, ``bytes``)."""

    value: Any
    pattern: str
    at: Path
    default: Any = msgspec.UNSET
    unit: str | None = None


class Entity(Struct, frozen=True):
    """Something that is there as a whole or not at all: an entry of a list or mapping, a group of keys that may be
    left out. ``choice`` is the key that names its plug-in, where it is one."""

    pattern: str
    at: Path
    kind: str
    choice: str | None = None


class Meaning(Struct, frozen=True, dict=True):
    """All that a project says, keyed."""

    project: Project
    document: Document
    leaves: dict[Key, Leaf]
    entities: dict[Key, Entity]

    @cached_property
    def members(self) -> dict[Key, list[Key]]:
        """What is below each entity: the keys of leaves and of other entities."""
        found: dict[Key, list[Key]] = {key: [] for key in self.entities}
        for key in (*self.entities, *self.leaves):
            for end in range(1, len(key) + 1):
                if key[:end] in found:
                    found[key[:end]].append(key)
        return found


def meaning(project: Project, document: Document) -> Meaning:
    """What a project means. ``profiles`` are not part of it: they mean something when they are applied."""
    found = Meaning(project, document, {}, {})
    for name, field in fields(Project).items():
        if name != "profiles":
            _value(found, field.shape, getattr(project, name), (name,), (name,), name, field.default)
    return found


def text(key: Key) -> str:
    """A key as people write it: ``constraints.quality[roc_auc].at_least``."""
    made = ""
    for part in key:
        made += part if part.startswith("[") or not made else f".{part}"
    return made


def _value(into: Meaning, wanted: Shape, value: Any, key: Key, at: Path, pattern: str, default: Any) -> None:
    if value is None and wanted.kind in ("object", "map", "list", "plugin", "step") and not _is_plain_list(wanted):
        return
    optional = wanted.nullable
    if wanted.kind in ("plugin", "step"):
        _entry(into, wanted, value, key, at, pattern)
    elif wanted.kind == "object":
        if optional:
            into.entities[key] = Entity(pattern, at, "object")
        _struct(into, value, key, at, pattern)
    elif wanted.kind == "map":
        if optional:
            into.entities[key] = Entity(pattern, at, "map")
        for name, item in value.items():
            _entry(into, wanted.items[1], item, (*key, name), (*at, name), f"{pattern}.*")
    elif wanted.kind == "list" and not _is_plain_list(wanted):
        if optional:
            into.entities[key] = Entity(pattern, at, "list")
        named = identity.names(pattern, value)
        for index, (name, item) in enumerate(zip(named, value, strict=True)):
            _entry(into, wanted.items[0], item, (*key, name), (*at, index), f"{pattern}[]")
        if identity.is_ordered(pattern, value):
            into.leaves[(*key, ORDER)] = Leaf(list(named), f"{pattern}[] order", at)
    else:
        _leaf(into, wanted, value, key, at, pattern, default)


def _entry(into: Meaning, wanted: Shape, item: Any, key: Key, at: Path, pattern: str) -> None:
    if wanted.kind in ("plugin", "step"):
        choice = wanted.extra["key"] if wanted.kind == "plugin" else NAME
        into.entities[key] = Entity(pattern, at, "plugin", choice)
        into.leaves[(*key, choice)] = Leaf(item.name, f"{pattern}.{choice}", (*at, choice))
        inner = at if wanted.kind == "plugin" else (*at, item.name)
        for name, field in _fields(item.plugin):
            value = getattr(item.plugin, name)
            _leaf(into, field.shape, value, (*key, name), (*inner, name), f"{pattern}.<{name}>", field.default)
        return
    if wanted.kind in ("object", "map") or (wanted.kind == "list" and not _is_plain_list(wanted)):
        into.entities[key] = Entity(pattern, at, wanted.kind)
    _value(into, wanted, item, key, at, pattern, msgspec.NODEFAULT)


def _struct(into: Meaning, value: Any, key: Key, at: Path, pattern: str) -> None:
    for name, field, item in members(value):
        _value(into, field.shape, item, (*key, name), (*at, name), f"{pattern}.{name}", field.default)


def _fields(value: msgspec.Struct) -> Iterable[tuple[str, Field]]:
    cls: Any = type(value)
    return fields(cls).items()


def _leaf(into: Meaning, wanted: Shape, value: Any, key: Key, at: Path, pattern: str, default: Any) -> None:
    said = plain(_builtin(value))
    if pattern in identity.SETS and isinstance(said, list):
        said = sorted(set(said))
    if default is msgspec.NODEFAULT:
        default = msgspec.UNSET
    else:
        default = plain(_builtin(default))
    into.leaves[key] = Leaf(said, pattern, at, default, wanted.extra.get("unit"))


def _builtin(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, PluginRef):
        return {value.name: msgspec.to_builtins(value.plugin)}
    return msgspec.to_builtins(value)


def _is_plain_list(wanted: Shape) -> bool:
    """Whether it is a list of plain values, which is one value."""
    return wanted.kind == "list" and wanted.items[0].kind not in ("object", "step", "plugin")


def is_stated(document: Document, at: Path) -> bool:
    """Whether a place is in a document, itself or as part of a shorter spelling (``backend: gpu``)."""
    node = document.root
    for part in at:
        if node.kind == "map":
            inner = next((item for key, item in node.value if key.value == part), None)
            if inner is None:
                return False
            node = inner
        elif node.kind == "list":
            if not isinstance(part, int) or part >= len(node.value):
                return False
            node = node.value[part]
        else:
            return True
    return True
