"""Project -> YAML: the whole spec with every default, which reads back as an equal project."""

from typing import Any

import msgspec

from mlspec.plugins.base import PluginRef
from mlspec.spec import Project
from mlspec.spec.shape import Shape, members, shape

_SECONDS = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"), (1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
_BYTES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "B"))


def resolved(project: Project) -> str:
    """The project as YAML, defaults filled, in the order of the language."""
    import yaml

    data = _value(shape(Project), project)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def _value(wanted: Shape, value: Any) -> Any:
    if value is None:
        return None
    unit = wanted.extra.get("unit")
    if unit:
        return spelled(value, unit)
    if wanted.kind == "object":
        return _struct(value)
    if wanted.kind == "map":
        return {key: _value(wanted.items[1], item) for key, item in value.items()}
    if wanted.kind == "list":
        return [_value(wanted.items[0], item) for item in value]
    if wanted.kind == "plugin":
        return {wanted.extra["key"]: value.name, **_struct(value.plugin)}
    if wanted.kind == "step":
        settings = _struct(value.plugin)
        return {value.name: settings} if settings else value.name
    return _plain(value)


def _struct(value: msgspec.Struct) -> dict[str, Any]:
    """A struct's keys; one that is null by default and has no value is left out, for null may not be written there."""
    made = {}
    for name, field, item in members(value):
        if item is not None or (field.shape.nullable and field.default is not None):
            made[name] = _value(field.shape, item)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, PluginRef):
        return {value.name: _struct(value.plugin)}
    return value


def spelled(value: float, unit: str) -> str:
    """A time in seconds or a size in bytes as it is written in a spec, in the largest unit that loses nothing."""
    for size, name in _SECONDS if unit == "duration" else _BYTES:
        count = round(value / size, 9)
        if count >= 1 and count * size == value and float(count).is_integer():
            return f"{int(count)}{name}"
    if unit == "bytes":
        return f"{int(value)}B"
    return f"{format(value, '.12f').rstrip('0').rstrip('.')}s"
