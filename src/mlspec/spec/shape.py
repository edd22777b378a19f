"""Types -> shapes: what a value in a spec may be, read off the annotations for reader, schema and pages."""

import functools
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from mlspec import registry
from mlspec.plugins.base import PluginRef

PLAIN = Meta()  # says nothing


class Shape(Struct, frozen=True, kw_only=True):
    """What a value may be. ``kind``: object, map, list, tuple, enum, scalar, plugin, step, any.

    An enum with ``items`` may also be a mapping."""

    kind: str
    cls: Any = None
    nullable: bool = False
    meta: Meta = PLAIN
    items: "tuple[Shape, ...]" = ()
    values: tuple[Any, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """The ``Meta.extra`` of the annotation."""
        return self.meta.extra or {}


class Field(Struct, frozen=True):
    """A key of an object: its name, its shape, and its default (``msgspec.NODEFAULT`` where it must be given)."""

    name: str
    shape: Shape
    default: Any

    @property
    def required(self) -> bool:
        """Whether the key must be given."""
        return self.default is msgspec.NODEFAULT


def merged(one: Meta, other: Meta) -> Meta:
    """Two annotations of one value as one; what the first says wins."""
    if one is PLAIN or other is PLAIN:
        return other if one is PLAIN else one
    names = ("gt", "ge", "lt", "le", "pattern", "min_length", "max_length", "title", "description", "examples")
    found = {}
    for name in names:
        value = getattr(one, name)
        value = getattr(other, name) if value is None else value
        if value is not None:
            found[name] = value
    extra = {**(other.extra or {}), **(one.extra or {})}
    return Meta(**found, extra=extra or None)


def shape(annotation: Any) -> Shape:
    """The shape of an annotation."""
    meta = PLAIN
    while get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        for note in notes:
            if isinstance(note, Meta):
                meta = merged(meta, note)
        annotation = inner
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        members = [a for a in args if a is not type(None)]
        nullable = len(members) < len(args)
        if len(members) == 2 and get_origin(members[0]) is Literal and get_origin(members[1]) is dict:
            words, named = (shape(member) for member in members)
            return Shape(kind="enum", values=words.values, items=named.items, nullable=nullable, meta=meta)
        if len(members) > 1:
            return Shape(kind="scalar", cls=tuple(members), nullable=nullable, meta=meta)
        one = shape(members[0])
        return msgspec.structs.replace(one, nullable=nullable, meta=merged(meta, one.meta))
    if annotation is Any:
        return Shape(kind="any", meta=meta, nullable=True)
    if origin is Literal:
        return Shape(kind="enum", values=args, meta=meta)
    if origin is dict:
        return Shape(kind="map", items=(shape(args[0]), shape(args[1])), meta=meta)
    if origin in (tuple, list):
        if origin is list or (len(args) == 2 and args[1] is Ellipsis):
            return Shape(kind="list", cls=origin, items=(shape(args[0]),), meta=meta)
        return Shape(kind="tuple", cls=origin, items=tuple(shape(a) for a in args), meta=meta)
    if annotation is PluginRef:
        extra = meta.extra or {}
        return Shape(kind="plugin" if "plugin" in extra else "step", cls=PluginRef, meta=meta)
    if isinstance(annotation, type) and issubclass(annotation, Struct):
        return Shape(kind="object", cls=annotation, meta=meta)
    return Shape(kind="scalar", cls=annotation, meta=meta)


@functools.cache
def fields(cls: type[Struct]) -> dict[str, Field]:
    """The keys of a struct by the name they have in a spec; without those that plug-ins add (``keys``)."""
    return {name: field for name, field in _all_fields(cls).items() if "plugin_keys" not in field.shape.extra}


@functools.cache
def plugin_keys(cls: type[Struct]) -> tuple[str, str] | None:
    """The field that holds what is stated below the keys of plug-ins, and the kind of these; None where none are."""
    found = (field for field in _all_fields(cls).values() if "plugin_keys" in field.shape.extra)
    return next(((field.name, field.shape.extra["plugin_keys"]) for field in found), None)


def keys(cls: type[Struct], named: Iterable[str] | None = None) -> dict[str, Field]:
    """The keys of a struct, those of plug-ins first; of these only the ``named`` ones, if any are."""
    added = plugin_keys(cls)
    if added is None:
        return fields(cls)
    wanted = [name for name in (registry.names(added[1]) if named is None else named) if name not in fields(cls)]
    known = [_plugin_key(added[1], name) for name in wanted if registry.has(added[1], name)]
    found = [field for field in known if field is not None]
    found.sort(key=lambda field: field.shape.extra["rank"])
    return {field.name: field for field in found} | fields(cls)


def members(value: Struct) -> Iterator[tuple[str, Field, Any]]:
    """The keys of a struct with what they hold; those of plug-ins where they are stated."""
    added = plugin_keys(type(value))
    stated: dict[str, Any] = {} if added is None else getattr(value, added[0])
    for name, field in keys(type(value), stated).items():
        yield name, field, stated[name] if name in stated else getattr(value, name)


def made(cls: type[Struct], given: dict[str, Any]) -> Struct:
    """The struct with these values; empty ones of plug-ins' keys are left out."""
    added = plugin_keys(cls)
    if added is None:
        return cls(**given)
    own = {name: value for name, value in given.items() if name in fields(cls)}
    rest = {name: value for name, value in given.items() if name not in own and value not in (None, ())}
    return cls(**own, **{added[0]: rest})


@functools.cache
def _plugin_key(kind: str, name: str) -> Field | None:
    """A plug-in as a key: a mapping of its fields, or a list of them; None where it is no key."""
    cls: Any = registry.plugin(kind, name)
    if not cls.is_key:
        return None
    about = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
    one = Shape(kind="object", cls=cls, meta=Meta(extra={"definition": f"{kind}.{name}"}))
    meta = Meta(description=about, extra={"definition": f"{kind}.{name}", "rank": (cls.rank, name)})
    if cls.many:
        return Field(name, Shape(kind="list", cls=tuple, items=(one,), meta=meta), ())
    return Field(name, Shape(kind="object", cls=cls, nullable=True, meta=meta), None)


@functools.cache
def _all_fields(cls: type[Struct]) -> dict[str, Field]:
    found = {}
    for field in msgspec.structs.fields(cls):
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        found[field.encode_name] = Field(field.encode_name, shape(field.type), default)
    return found
