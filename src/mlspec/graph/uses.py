"""Plug-ins as params hold them: a pair of the name and all settings, defaults filled in."""

from collections.abc import Iterable
from typing import Any

import msgspec

from mlspec import registry
from mlspec.plugins.base import PluginRef
from mlspec.rules._prepared import steps as steps

Pair = list[Any]


def pair(use: PluginRef) -> Pair:
    """``[name, settings]`` of a plug-in as a spec uses it."""
    settings = json_data(use.plugin)
    if settings.get("rows", 0) is None:
        # Models had no such key once: without it their steps are those of before.
        del settings["rows"]
    return [use.name, settings]


def json_data(value: Any) -> Any:
    """A Struct or plain value as what reading its JSON would give: lists, not tuples."""
    return _lists(msgspec.to_builtins(value))


def pairs(uses: Iterable[PluginRef]) -> list[Pair]:
    """``[[name, settings], ...]`` of several."""
    return [pair(use) for use in uses]


def plain_use(kind: str, name: str) -> PluginRef:
    """The plug-in of that name with its defaults. Raises KeyError when there is none."""
    return PluginRef(name, registry.plugin(kind, name)())


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) if isinstance(item, dict | list | tuple) else item for key, item in value.items()}
    return [_lists(item) if isinstance(item, dict | list | tuple) else item for item in value]
