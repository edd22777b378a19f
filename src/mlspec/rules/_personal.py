"""What is left of personal columns once they are treated as the spec says."""

from collections.abc import Iterator, Mapping

from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.rules import _roles
from mlspec.spec import Project
from mlspec.spec.pinned import Snapshot

NUMERIC = frozenset({"integer", "number"})


def raw_types(project: Project, schemas: Mapping[str, Schema]) -> dict[str, ColumnType]:
    """The types that treated columns are read with: as stated, or the widest that a source needs."""
    found: dict[str, ColumnType] = {}
    treated = _roles.treatments(project)
    for schema in schemas.values():
        for column in schema:
            if column.name in treated:
                kind = project.data.columns.types.get(column.name, column.type)
                found[column.name] = widest(found.get(column.name, kind), kind)
    return found


def treated(project: Project, schema: Schema, raw: Mapping[str, ColumnType]) -> Schema:
    """The columns of a source as its step gives them."""
    actions = _roles.treatments(project)
    result = []
    for column in schema:
        action = actions.get(column.name)
        if action is None:
            result.append(column)
            continue
        read = Column(column.name, raw[column.name], column.role)
        fits = not action.accepts or read.type in action.accepts
        after = action.output(read) if fits else read
        if after is not None:
            result.append(after)
    return tuple(result)


def treated_as_another(
    project: Project, schemas: Mapping[str, Schema], snapshots: Mapping[str, Snapshot]
) -> Iterator[tuple[str, str, ColumnType]]:
    """Columns that were treated as they were fetched, or kept beside such ones, with a type that is not text while
    another source has text there: source, column, its type."""
    text = {column.name for schema in schemas.values() for column in schema if column.type == "category"}
    actions, stated = _roles.treatments(project), project.data.columns.types
    for name, snapshot in snapshots.items():
        is_file = hasattr(project.data.sources[name].plugin, "path")
        for column in schemas.get(name, ()) if snapshot.treated else ():
            differs = column.name in text and column.type != "category" and column.name not in stated
            if differs and (is_file or column.name in actions):
                yield name, column.name, column.type


def widest(one: ColumnType, other: ColumnType) -> ColumnType:
    """The type that holds the values of both."""
    if one == other:
        return one
    if "other" in (one, other):
        return "other"
    if one in NUMERIC and other in NUMERIC:
        return "number"
    return "datetime" if {one, other} == {"date", "datetime"} else "category"
