"""The columns that a candidate's model gets, before anything is fitted."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.plugins.base import Column, ColumnType, Plugin, PluginRef, Schema
from mlspec.plugins.model import Model
from mlspec.plugins.transform import Transform
from mlspec.rules.context import View

GROUPS: dict[ColumnType, str] = {
    "integer": "numeric",
    "number": "numeric",
    "category": "category",
    "boolean": "category",
    "date": "date",
    "datetime": "date",
    "image": "image",
}
PREPARED = {"image": ("image",)}  # by every model that has no wish of its own


def prepared(view: View, model: Model) -> Schema:
    """What the features become, each through its steps in order; interactions are left out."""
    from mlspec.rules._roles import roles

    stated = view.project.preprocessing
    made: list[Column] = []
    lists: dict[str, tuple[PluginRef, ...]] = {}
    for column in roles(view.project, view.columns()):
        group = GROUPS.get(column.type)
        if column.role != "feature" or group is None:
            continue
        if group not in lists:
            listed: tuple[PluginRef, ...] | None = getattr(stated, group)
            wanted = model.preparation.get(group, PREPARED.get(group, ()))
            lists[group] = steps(wanted) if listed is None else listed
        through: Schema = (column,)
        for use in stated.columns.get(column.name, lists[group]):
            step = cast(Transform, use.plugin)
            through = tuple(
                after for one in through for after in (step.output(one) if one.type in step.accepts else (one,))
            )
        made += through
    return tuple(made)


def steps(entries: Sequence[Any]) -> tuple[PluginRef, ...]:
    """Preparation steps from entries written as in a spec: ``"scale"`` or ``{"impute": "median"}``."""
    found: list[PluginRef] = []
    for entry in entries:
        if isinstance(entry, PluginRef):
            found.append(entry)
            continue
        name, settings = next(iter(entry.items())) if isinstance(entry, Mapping) else (entry, {})
        cls = cast(type[Transform], registry.plugin("transforms", name))
        fields = settings if isinstance(settings, Mapping) else {cls.shorthand: settings}
        found.append(PluginRef(name, cast(Plugin, msgspec.convert(dict(fields), cls))))
    return tuple(found)
