"""Which shape a value at a path has to have: the tree of the language, with the plug-ins that a text names."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Meta

from mlspec import registry
from mlspec.document import Path
from mlspec.plugins.base import Plugin
from mlspec.spec import Project, units
from mlspec.spec.shape import Field, Shape, fields, keys, shape

Value = Callable[[Path], object]
"""The scalar at a path, None where there is none."""


def overlaid(path: Path) -> Path:
    """A path in a profile as the one that it lies over."""
    return path[2:] if path[:1] == ("profiles",) and len(path) > 1 else path


def at(path: Path, value: Value) -> Shape | None:
    """The shape of the value at a path, None where the language has no such path."""
    found = field(path, value)
    return None if found is None else found.shape


def field(path: Path, value: Value) -> Field | None:
    """The key at a path with its shape and default; of an entry of a list or mapping, its shape alone."""
    if path[:1] == ("profiles",) and len(path) < 3:
        return Field(str(path[-1]), shape(Project) if len(path) == 2 else fields(Project)["profiles"].shape, None)
    start = 2 if path[:1] == ("profiles",) else 0
    found: Field | None = Field("", shape(Project), None)
    for index in range(start, len(path)):
        if found is None:
            return None
        found = _below(found.shape, path[: index + 1], value, start)
    return found


def _below(outer: Shape, path: Path, value: Value, start: int) -> Field | None:
    part, parent = path[-1], path[:-1]
    if outer.kind in ("list", "tuple"):
        if not isinstance(part, int):
            return None
        items = outer.items
        return Field("", items[min(part, len(items) - 1)] if outer.kind == "tuple" else items[0], msgspec.NODEFAULT)
    if outer.kind == "map" or (outer.kind == "enum" and outer.items):
        return Field(str(part), outer.items[1], msgspec.NODEFAULT)
    if outer.kind == "step":
        cls = _class(outer.extra["plugin_list"], str(part))
        return None if cls is None else Field(str(part), _settings(cls), msgspec.NODEFAULT)
    found = entries(outer, parent, value, start)
    return found.get(str(part))


def entries(outer: Shape, path: Path, value: Value, start: int = 0) -> dict[str, Field]:
    """The keys that a mapping of this shape at a path may have."""
    if outer.kind == "object":
        return keys(outer.cls) if issubclass(outer.cls, msgspec.Struct) else {}
    if outer.kind != "plugin":
        return {}
    kind, key = outer.extra["plugin"], outer.extra["key"]
    named = Shape(kind="enum", values=tuple(registry.names(kind)), meta=Meta(description=f"Which of the {kind}."))
    cls = chosen(outer, path, value, start)
    own = fields(cls) if cls is not None else {}
    if cls is None and kind == "sources":
        own = fields(registry.plugin(kind, registry.names(kind)[0]))
    return {key: Field(key, named, msgspec.NODEFAULT), **own}


def chosen(outer: Shape, path: Path, value: Value, start: int = 0) -> type[Plugin] | None:
    """The plug-in that a mapping at a path chooses."""
    kind, key = outer.extra["plugin"], outer.extra["key"]
    name = value((*path, key))
    if name is None and start:
        name = value((*path[start:], key))
    file = value((*path, "path"))
    if name is None and kind == "sources" and isinstance(file, str):
        name = units.source_of(file)
    return _class(kind, name) if isinstance(name, str) else None


def step(outer: Shape, name: object) -> type[Plugin] | None:
    """The plug-in of an entry that names one."""
    return _class(outer.extra["plugin_list"], name) if isinstance(name, str) else None


def _class(kind: str, name: str) -> type[Plugin] | None:
    try:
        return registry.plugin(kind, name) if registry.has(kind, name) else None
    except registry.PluginError:
        return None


def _settings(cls: type[Plugin]) -> Shape:
    """Of a step's settings; ``value`` is the shape of what may stand in their place."""
    short = getattr(cls, "shorthand", "")
    extra: dict[str, Any] = {"short": fields(cls)[short].shape} if short else {}
    about = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
    return Shape(kind="object", cls=cls, nullable=True, meta=Meta(description=about, extra=extra))


def default_of(field: Field) -> str | None:
    """The default of a key as it would be written; None where it has none that says anything."""
    if field.required or field.default is None or isinstance(field.default, msgspec.Struct):
        return None
    plain = msgspec.to_builtins(field.default)
    return None if plain in ({}, [], "") else plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()
