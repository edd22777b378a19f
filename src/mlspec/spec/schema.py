"""Types -> JSON Schema (2020-12), for editors and reviewers: what ``schema/project.schema.json`` holds.

Objects are closed; a choice among plug-ins is an ``enum`` on its key with ``if``/``then``, never ``oneOf`` or
``anyOf``, whose errors nobody can read. A value of several possible forms is distinguished by its type.
"""

import json
from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.plugins.base import Plugin
from mlspec.plugins.source import Source
from mlspec.spec import Project
from mlspec.spec.shape import Field, Shape, fields, keys

TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
PATTERNS = {
    "duration": r"^\s*(\d+(\.\d+)?\s*(us|ms|s|m|h|d)\s*)+$",
    "bytes": r"^\s*\d+(\.\d+)?\s*(B|kB|KB|MB|GB|TB|KiB|MiB|GiB|TiB)\s*$",
}
Json = dict[str, Any]


def schema() -> Json:
    """The schema of a spec as plain data."""
    writer = _Writer()
    root = writer.object(Project)
    properties = root["properties"]
    overlay = {k: v for k, v in properties.items() if k not in ("mlspec", "profiles")}
    writer.definitions["profile"] = {
        "type": "object",
        "description": "Overrides: each value replaces the one above; null removes a key.",
        "properties": {name: {"description": value.get("description", "")} for name, value in overlay.items()},
        "additionalProperties": False,
    }
    properties["profiles"]["additionalProperties"] = {"$ref": "#/$defs/profile"}
    named = [(name, field.shape.extra) for name, field in fields(Project).items() if "named" in field.shape.extra]
    for name, extra in named:
        # A schema can't look names up elsewhere in the file: without names of the spec's own only these are left.
        root["if"] = {"not": {"required": [extra["named"]]}}
        root["then"] = {"properties": {name: {"if": {"type": "string"}, "then": {"enum": sorted(extra["presets"])}}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mlspec project",
        **root,
        "$defs": dict(sorted(writer.definitions.items())),
    }


def text() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


class _Writer:
    """One writing; every object becomes a definition that others refer to."""

    def __init__(self) -> None:
        self.definitions: dict[str, Json] = {}

    def object(self, cls: type[msgspec.Struct], extra: Json | None = None) -> Json:
        """The closed object of a struct; ``extra``: additional properties."""
        properties = dict(extra or {})
        for name, field in keys(cls).items():
            properties[name] = self.field(field)
        required = [name for name, field in fields(cls).items() if field.required]
        made: Json = {"type": "object", "description": first_line(cls), "properties": properties}
        if required:
            made["required"] = required
        return {**made, "additionalProperties": False}

    def field(self, field: Field) -> Json:
        """A property, with its default where it has one worth showing."""
        made = self.value(field.shape)
        if not field.required and field.default is not None:
            default = msgspec.to_builtins(field.default)
            if default not in ({}, []) and not isinstance(field.default, msgspec.Struct):
                made = {**made, "default": default}
        return made

    def value(self, wanted: Shape) -> Json:
        """The schema of a shape, with what its annotation says of it."""
        made = cast(Json, getattr(self, f"_{wanted.kind}")(wanted))
        meta, said = wanted.meta, dict(made)
        if wanted.nullable and "type" in said:
            kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
            said["type"] = [*kinds, "null"]
        if wanted.nullable and "enum" in said:
            said["enum"] = [*said["enum"], None]
        if meta.description is not None:
            said["description"] = meta.description
        if meta.examples:
            said["examples"] = list(meta.examples)
        return said

    def ref(self, name: str, made: Json) -> Json:
        """A definition of that name, referred to."""
        self.definitions[name] = made
        return {"$ref": f"#/$defs/{name}"}

    def _any(self, _wanted: Shape) -> Json:
        return {}

    def _enum(self, wanted: Shape) -> Json:
        kinds = sorted({TYPES[type(v)] for v in wanted.values})
        return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": list(wanted.values)}

    def _scalar(self, wanted: Shape) -> Json:
        meta = wanted.meta
        unit = wanted.extra.get("unit")
        if unit:
            return {"type": "string", "pattern": PATTERNS[unit]}
        kinds = wanted.cls if isinstance(wanted.cls, tuple) else (wanted.cls,)
        names = [TYPES[k] for k in kinds]
        made: Json = {"type": names[0] if len(names) == 1 else names}
        for ours, theirs in (
            ("ge", "minimum"),
            ("gt", "exclusiveMinimum"),
            ("le", "maximum"),
            ("lt", "exclusiveMaximum"),
            ("pattern", "pattern"),
            ("min_length", "minLength"),
            ("max_length", "maxLength"),
        ):
            if getattr(meta, ours) is not None:
                made[theirs] = getattr(meta, ours)
        if wanted.extra.get("engines"):
            made["enum"] = registry.names(registry.ENGINES)
        return made

    def _object(self, wanted: Shape) -> Json:
        made = self.ref(wanted.extra.get("definition", wanted.cls.__name__), self.object(wanted.cls))
        presets = wanted.extra.get("presets")
        if not presets:
            return made
        return {
            "type": ["string", "object"],
            "if": {"type": "string"},
            "then": {"examples" if "named" in wanted.extra else "enum": sorted(presets)},
            "else": made,
        }

    def _map(self, wanted: Shape) -> Json:
        key, item = wanted.items
        made: Json = {"type": "object", "additionalProperties": self.value(item)}
        names = {k: v for k, v in self._scalar(key).items() if k in ("pattern", "minLength")}
        if names:
            made["propertyNames"] = names
        if wanted.meta.min_length:
            made["minProperties"] = wanted.meta.min_length
        presets = wanted.extra.get("presets")
        if presets:
            return {
                "type": ["string", "object"],
                "if": {"type": "string"},
                "then": {"enum": sorted(presets)},
                "else": made,
            }
        return made

    def _list(self, wanted: Shape) -> Json:
        made: Json = {"type": "array", "items": self.value(wanted.items[0])}
        if wanted.meta.min_length:
            made["minItems"] = wanted.meta.min_length
        if wanted.meta.max_length:
            made["maxItems"] = wanted.meta.max_length
        if wanted.extra.get("one"):
            one = self.value(wanted.items[0])
            return {"type": ["string", "array"], "if": {"type": "array"}, "then": made, "else": one}
        return made

    def _tuple(self, wanted: Shape) -> Json:
        items = [self.value(item) for item in wanted.items]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def _plugin(self, wanted: Shape) -> Json:
        """A mapping whose key names the plug-in; each plug-in's keys follow an if."""
        kind, key = wanted.extra["plugin"], wanted.extra["key"]
        classes = dict(registry.usable(kind))
        branches = []
        for name, cls in classes.items():
            chosen: Json = {"properties": {key: {"const": name}}, "required": [key]}
            if issubclass(cls, Source):
                suffixes = "|".join(s.replace(".", r"\.") for s in cls.suffixes)
                message: Json = {"required": [cls.key]}
                if cls.key == "path":
                    message = {"properties": {"path": {"pattern": f"({suffixes})([?#].*)?$"}}, **message}
                chosen = {
                    "if": {"required": [key]},
                    "then": {"properties": {key: {"const": name}}},
                    "else": message,
                }
            branches.append({"if": chosen, "then": self.ref(f"{kind}.{name}", self._named(cls, key, name))})
        made: Json = {
            "type": "object",
            "properties": {key: {"enum": list(classes), "description": f"The name of the {kind[:-1]}."}},
            "allOf": branches,
        }
        if kind != "sources":
            made["required"] = [key]
        else:
            made |= _one_of(key, *sorted({cls.key for cls in classes.values() if issubclass(cls, Source)}))
        return self.ref(f"{kind}", made)

    def _named(self, cls: type[Plugin], key: str, name: str) -> Json:
        return self.object(cls, {key: {"const": name, "description": first_line(cls)}})

    def _step(self, wanted: Shape) -> Json:
        """A name, or a mapping of one name to its settings or the value that its shorthand takes."""
        kind = wanted.extra["plugin_list"]
        classes = dict(registry.usable(kind))
        properties: Json = {}
        for name, cls in classes.items():
            settings = self.ref(f"{kind}.{name}", self.object(cls))
            shorthand = getattr(cls, "shorthand", "")
            if shorthand:
                value = self.value(fields(cls)[shorthand].shape)
                properties[name] = {
                    "description": first_line(cls),
                    "if": {"type": ["object", "null"]},
                    "then": {"if": {"type": "object"}, "then": settings},
                    "else": value,
                }
                if "enum" in value:
                    properties[name]["examples"] = [v for v in value["enum"] if v is not None]
            else:
                properties[name] = {
                    "description": first_line(cls),
                    "if": {"type": "object"},
                    "then": settings,
                    "else": {"type": "null"},
                }
        made = {
            "type": ["string", "object"],
            "if": {"type": "string"},
            "then": {"enum": list(classes)},
            "else": {
                "type": "object",
                "properties": properties,
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            },
        }
        return self.ref(f"{kind}", made)


def _one_of(*keys: str) -> Json:
    """Demands one of these keys."""
    first, *rest = keys
    return {"if": {"required": [first]}, "else": _one_of(*rest)} if rest else {"required": [first]}


def first_line(cls: type) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())
