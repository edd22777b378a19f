"""Types -> shapes: what a value in a spec may be, read off the annotations for reader, schema and pages."""

import functools
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from mlspec.plugins.base import PluginRef


class Shape(Struct, frozen=True, kw_only=True):
    """What a value may be. ``kind``: object, map, list, tuple, enum, scalar, plugin, step, any."""

    kind: str
    cls: Any = None
    nullable: bool = False
    meta: Meta = Meta()
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
    meta = Meta()
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
    """The keys of a struct by the name they have in a spec."""
    found = {}
    for field in msgspec.structs.fields(cls):
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        found[field.encode_name] = Field(field.encode_name, shape(field.type), default)
    return found
