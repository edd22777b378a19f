"""Types -> JSON Schema (2020-12), for editors and reviewers: what ``schema/project.schema.json`` holds.

Objects are closed; a choice among plug-ins is an ``enum`` on its key with ``if``/``then``, never ``oneOf`` or
``anyOf``, whose errors are unreadable. A value of several possible forms is distinguished by its type.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable
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
OVERLAY = "Overrides: each value replaces the one above; null removes a key."
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


def schema() -> Json:
    """The schema of a spec as plain data."""
    writer = _Writer()
    root: Json = {"type": "object", **writer.object(Project)}
    writer.partial = True
    profile = writer.object(Project, leave_out=("mlspec", "profiles"))
    writer.definitions["profile"] = {**profile, "description": OVERLAY}
    root["properties"]["profiles"]["additionalProperties"] = {"type": "object", "$ref": "#/$defs/profile"}
    for name, field in fields(Project).items():
        if "named" not in field.shape.extra:
            continue
        # A schema can't look names up elsewhere in the file: without names of the spec's own only these are left.
        named, presets = field.shape.extra["named"], sorted(field.shape.extra["presets"])
        built_in: Json = {"properties": {name: {"if": {"type": "string"}, "then": {"enum": presets}}}}
        unnamed: Json = {"if": {"not": {"required": [named]}}, "then": built_in}
        built_in_too = {**built_in["properties"], "profiles": {"additionalProperties": unnamed}}
        root |= {"if": unnamed["if"], "then": {"properties": built_in_too}}
    return {
        "$schema": DIALECT,
        "title": "mlspec project",
        **root,
        "$defs": dict(sorted(writer.definitions.items())),
    }


def settings(cls: type[Plugin]) -> Json:
    """The schema of a plug-in's own keys. Raises KeyError for a type that a spec can't state."""
    writer = _Writer()
    return {"type": "object", **writer.object(cls), "$defs": writer.definitions}


def of(cls: type[msgspec.Struct], title: str) -> str:
    """The schema of another kind of file, read off its struct, as the text of a file."""
    writer = _Writer()
    root = {"$schema": DIALECT, "title": title, "type": "object", **writer.object(cls)}
    return json.dumps({**root, "$defs": dict(sorted(writer.definitions.items()))}, indent=2, ensure_ascii=False) + "\n"


def text() -> str:
    """The schema as the text of its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


class _Writer:
    """One writing; every object becomes a definition that others refer to.

    ``partial``: of overlays, as the reader reads them: every key may be left out or be null, except within lists.
    """

    def __init__(self) -> None:
        self.definitions: dict[str, Json] = {}
        self.partial = False

    def object(self, cls: type[msgspec.Struct], extra: Json | None = None, *, leave_out: Collection[str] = ()) -> Json:
        """The closed object of a struct; ``extra`` are added properties. The type is stated at each use."""
        properties = dict(extra or {})
        kept = {name: field for name, field in keys(cls).items() if name not in leave_out}
        properties |= {name: self.field(field) for name, field in kept.items()}
        required = [name for name, field in kept.items() if field.required]
        made: Json = {"description": first_line(cls), "properties": properties}
        if required and not self.partial:
            made["required"] = required
        return {**made, "additionalProperties": False}

    def field(self, field: Field) -> Json:
        """A property, with its default where it has one worth showing."""
        made = self.value(field.shape)
        if not field.required and field.default is not None and not self.partial:
            default = msgspec.to_builtins(field.default)
            if default not in ({}, []) and not isinstance(field.default, msgspec.Struct):
                made = {**made, "default": default}
        return made

    def value(self, wanted: Shape) -> Json:
        """The schema of a shape, with what its annotation says of it."""
        made = cast(Json, getattr(self, f"_{wanted.kind}")(wanted))
        meta, said = wanted.meta, dict(made)
        nullable = wanted.nullable or self.partial
        if nullable and "type" in said:
            kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
            said["type"] = [*kinds, "null"]
        if nullable and "enum" in said:
            said["enum"] = [*said["enum"], None]
        if meta.description is not None:
            said["description"] = meta.description
        if meta.examples:
            said["examples"] = list(meta.examples)
        return said

    def ref(self, name: str, make: Callable[[], Json]) -> Json:
        """A definition of that name, made once, referred to."""
        name = f"overlay.{name}" if self.partial else name
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = make()
        return {"type": "object", "$ref": f"#/$defs/{name}"}

    def whole(self, wanted: Shape) -> Json:
        """The schema of an entry of a list, which no overlay reaches into."""
        partial, self.partial = self.partial, False
        made = self.value(wanted)
        self.partial = partial
        return made

    def _any(self, _wanted: Shape) -> Json:
        return {}

    def _enum(self, wanted: Shape) -> Json:
        kinds = sorted({TYPES[type(v)] for v in wanted.values})
        made: Json = {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": list(wanted.values)}
        return _or_name(self._map(wanted), list(wanted.values)) if wanted.items else made

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
        made = self.ref(wanted.extra.get("definition", wanted.cls.__name__), lambda: self.object(wanted.cls))
        presets = wanted.extra.get("presets")
        return _or_name(made, sorted(presets), closed="named" not in wanted.extra) if presets else made

    def _map(self, wanted: Shape) -> Json:
        key, item = wanted.items
        made: Json = {"type": "object", "additionalProperties": self.value(item)}
        names = {k: v for k, v in self._scalar(key).items() if k in ("pattern", "minLength")}
        if names:
            made["propertyNames"] = names
        if wanted.meta.min_length and not self.partial:
            made["minProperties"] = wanted.meta.min_length
        presets = wanted.extra.get("presets")
        return _or_name(made, sorted(presets)) if presets else made

    def _list(self, wanted: Shape) -> Json:
        made: Json = {"type": "array", "items": self.whole(wanted.items[0])}
        if wanted.meta.min_length:
            made["minItems"] = wanted.meta.min_length
        if wanted.meta.max_length:
            made["maxItems"] = wanted.meta.max_length
        if wanted.extra.get("one"):
            one = self.value(wanted.items[0])
            return {"type": ["string", "array"], "if": {"type": "string"}, "then": one, "else": _untyped(made)}
        return made

    def _tuple(self, wanted: Shape) -> Json:
        items = [self.whole(item) for item in wanted.items]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}

    def _plugin(self, wanted: Shape) -> Json:
        kind, key = wanted.extra["plugin"], wanted.extra["key"]
        return self.ref(kind, lambda: self._choice(kind, key))

    def _choice(self, kind: str, key: str) -> Json:
        """A mapping whose key names the plug-in; each plug-in's keys stand behind an if."""
        classes = dict(sorted(registry.usable(kind)))
        branches: list[Json] = []
        for name, cls in classes.items():
            chosen: Json = {"properties": {key: {"const": name}}, "required": [key]}
            if issubclass(cls, Source):
                chosen = {"if": {"required": [key]}, "then": chosen, "else": _chosen_without_name(cls)}
            branches.append({"if": chosen, "then": _untyped(self._named(kind, cls, key, name))})
        named: Json = {"enum": [*classes, None] if self.partial else list(classes)}
        made: Json = {
            "description": f"One of the {kind}.",
            "properties": {key: {**named, "description": f"The name of the {kind[:-1]}."}},
            "allOf": branches,
        }
        sources = [cls for cls in classes.values() if issubclass(cls, Source)]
        if self.partial:
            # An overlay need not say which: then it can have the keys of any.
            some: Json = {"description": f"Of some of the {kind}."}
            made["properties"] |= {name: some for cls in classes.values() for name in fields(cls)}
            made["additionalProperties"] = False
        elif sources:
            suffixes = [suffix for cls in sources for suffix in cls.suffixes]
            clear = {"properties": {"path": {"pattern": _ends_in(suffixes)}}}
            branches.append({"if": {"required": [key]}, "else": clear})
            made["properties"]["path"] = {
                "type": "string",
                "description": "The file, folder, pattern or address of the rows.",
            }
            made |= _one_of(key, *sorted({cls.key for cls in sources}))
        else:
            made["required"] = [key]
        return made

    def _named(self, kind: str, cls: type[Plugin], key: str, name: str) -> Json:
        chosen = {key: {"const": name, "description": first_line(cls)}}
        return self.ref(f"{kind}.{name}", lambda: self.object(cls, chosen))

    def _step(self, wanted: Shape) -> Json:
        """A name, or a mapping of one name to its settings or the value that its shorthand takes."""
        kind = wanted.extra["plugin_list"]
        return {**self.ref(kind, lambda: self._steps(kind)), "type": ["string", "object"]}

    def _steps(self, kind: str) -> Json:
        classes = dict(sorted(registry.usable(kind)))
        alone = [name for name, cls in classes.items() if not any(field.required for field in fields(cls).values())]
        properties: Json = {}
        for name, cls in classes.items():
            settings = self._settings(kind, cls, name)
            shorthand = getattr(cls, "shorthand", "")
            value = self.value(fields(cls)[shorthand].shape) if shorthand else {}
            properties[name] = {
                "description": first_line(cls),
                "if": {"type": ["object", "null"] if name in alone else "object"},
                "then": {"if": {"type": "object"}, "then": settings},
                "else": value or {"type": "object"},
            }
            if "enum" in value:
                properties[name]["examples"] = [v for v in value["enum"] if v is not None]
        return {
            "description": f"One of the {kind}.",
            "if": {"type": "string"},
            "then": {"enum": alone},
            "else": {
                "properties": properties,
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
            },
        }

    def _settings(self, kind: str, cls: type[Plugin], name: str) -> Json:
        return self.ref(f"{kind}.{name}", lambda: self.object(cls))


def _untyped(made: Json) -> Json:
    """A schema without its type, for a branch that its type has chosen already."""
    return {key: value for key, value in made.items() if key != "type"}


def _or_name(made: Json, names: list[str], *, closed: bool = True) -> Json:
    """An object, or the name of one: one of these, or (where not ``closed``) of further ones too."""
    return {
        "type": ["string", "object"],
        "if": {"type": "string"},
        "then": {"enum" if closed else "examples": names},
        "else": _untyped(made),
    }


def _chosen_without_name(cls: type[Source]) -> Json | bool:
    """Whether a mapping without a format is of this source: by the ending of its path, or by the source's own key."""
    if cls.key != "path":
        return {"required": [cls.key], "properties": {"path": {"not": {"type": "string"}}}}
    if not cls.suffixes:
        return False
    return {"required": ["path"], "properties": {"path": {"type": "string", "pattern": _ends_in(cls.suffixes)}}}


def _ends_in(suffixes: Iterable[str]) -> str:
    """A pattern of paths, and of addresses without their query, that end so in any case of letters."""
    letters = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else re.escape(c) for c in one) for one in suffixes)
    ends = f"(?:{'|'.join(letters)})"
    return rf"^(?:(?![\s\S]*://)[\s\S]*{ends}|(?=[\s\S]*://)[^?#]*{ends}(?:[?#][\s\S]*)?)$"


def _one_of(*wanted: str) -> Json:
    """Demands one of these keys."""
    first, *rest = wanted
    return {"if": {"required": [first]}, "else": _one_of(*rest)} if rest else {"required": [first]}


def first_line(cls: type) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())
