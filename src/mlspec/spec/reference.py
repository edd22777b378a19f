"""Reference pages of keys and plug-ins, made from their types and docstrings."""

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec

from mlspec import registry
from mlspec.spec import Project
from mlspec.spec.dump import spelled
from mlspec.spec.shape import Field, Shape, fields, shape
from mlspec.spec.shape import keys as struct_keys

WORDS = {str: "text", int: "integer", float: "number", bool: "true or false"}


def key_page(path: str) -> str | None:
    """The page of a key by its dotted path (``constraints.latency``), None where there is no such key."""
    wanted, field = shape(Project), None
    for part in path.split("."):
        while wanted.kind == "list":
            wanted = wanted.items[0]
        if wanted.kind == "map":
            wanted, field = wanted.items[1], None
            continue
        field = struct_keys(wanted.cls).get(part) if wanted.kind == "object" else None
        if field is None:
            return None
        wanted = field.shape
    lines = [path, "", wanted.meta.description or "", "", f"  takes:   {takes(wanted)}"]
    if field is not None:
        lines.append("  required" if field.required else f"  default: {default(field)}")
    if wanted.meta.examples:
        lines.append(f"  example: {', '.join(_flow(example) for example in wanted.meta.examples)}")
    inner = wanted
    while inner.kind in ("list", "map"):
        inner = inner.items[-1]
    if inner.kind == "object":
        lines += ["", "Keys:", *_keys(inner.cls)]
    return "\n".join(lines).rstrip() + "\n"


def plugin_page(kind: str, name: str) -> str:
    """The page of a plug-in: what it does, why, an example, and its keys."""
    cls = registry.plugin(kind, name)
    lines = [f"{name} ({kind[:-1]})", "", inspect.cleandoc(cls.__doc__ or ""), ""]
    if fields(cls):
        lines += ["Keys:", *_keys(cls)]
    space = getattr(cls, "space", None)
    if kind == "models" and space:
        lines += ["", "Default search space:", *(f"  {key}: {_flow(v)}" for key, v in space.items())]
    return "\n".join(lines).rstrip() + "\n"


def keys() -> list[str]:
    """The dotted paths of all keys, those of plug-ins left out."""
    return list(_paths(shape(Project), ""))


def _paths(wanted: Shape, path: str) -> Iterator[str]:
    while wanted.kind in ("list", "map"):
        wanted = wanted.items[-1]
    if wanted.kind == "object":
        for name, field in struct_keys(wanted.cls).items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from _paths(field.shape, inner)


def _keys(cls: type[msgspec.Struct]) -> Iterator[str]:
    known = struct_keys(cls)
    width = max((len(name) for name in known), default=0)
    for name, field in known.items():
        need = "required" if field.required else f"default {default(field)}"
        yield f"  {name:<{width}}  {field.shape.meta.description or ''} ({takes(field.shape)}; {need})"


def takes(wanted: Shape) -> str:
    """What a key takes, in a few words."""
    if wanted.kind == "enum":
        words = " | ".join(str(v) for v in wanted.values)
        return f"{words}, or a mapping of {takes(wanted.items[1])}" if wanted.items else words
    if wanted.extra.get("one"):
        return f"{takes(wanted.items[-1])}, or a list of it"
    if wanted.kind in ("list", "map"):
        return f"a {'list' if wanted.kind == 'list' else 'mapping'} of {takes(wanted.items[-1])}"
    if wanted.kind == "plugin":
        return f"a mapping with '{wanted.extra['key']}', one of {', '.join(registry.names(wanted.extra['plugin']))}"
    if wanted.kind == "step":
        return f"one of {', '.join(registry.names(wanted.extra['plugin_list']))}, with its settings"
    if wanted.extra.get("unit"):
        return "a duration with its unit" if wanted.extra["unit"] == "duration" else "a size with its unit"
    if wanted.kind == "scalar":
        kinds = wanted.cls if isinstance(wanted.cls, tuple) else (wanted.cls,)
        return " or ".join(WORDS[k] for k in kinds) + _range(wanted.meta)
    return {"object": "a mapping", "tuple": f"a list of {len(wanted.items)}"}.get(wanted.kind, "anything")


def _range(meta: msgspec.Meta) -> str:
    limits = ((meta.ge, ">="), (meta.gt, ">"), (meta.le, "<="), (meta.lt, "<"))
    said = [f"{sign} {limit:g}" for limit, sign in limits if limit is not None]
    return f" {', '.join(said)}" if said else ""


def default(field: Field) -> str:
    """A default as it would be written."""
    if field.default is None:
        return "none"
    unit = field.shape.extra.get("unit")
    return spelled(field.default, unit) if unit else _flow(msgspec.to_builtins(field.default))


def _flow(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return str(value)
