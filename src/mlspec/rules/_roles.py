"""What each column is for, and which ones are about people."""

from typing import cast

from msgspec.structs import replace

from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.base import Schema
from mlspec.spec import Project


def roles(project: Project, schema: Schema) -> Schema:
    """The columns with stated types, each with what it is for."""
    said = project.data.columns
    changed, called = treatments(project), naming(project)
    hidden = set(said.sensitive) - set(said.use_sensitive)
    keys = {project.data.split.column} if project.data.split.by in ("group", "hash", "time", "given") else set()
    dropped, listed = set(said.drop), set(said.features or ())
    personal = project.model.personal
    if personal is not None and (personal.level == "user" or personal.strategy != "finetune"):
        keys.add(personal.key)  # the one model is what groups are held against: it does not know them
    result = []
    for column in schema:
        name = column.name
        kind = column.type if name in changed else said.types.get(name, column.type)
        if name == said.target:
            result.append(replace(column, type=kind, role="target"))
        elif name == said.id:
            result.append(replace(column, type=kind, role="id"))
        elif name == said.weight:
            result.append(replace(column, type=kind, role="weight"))
        elif kind == "other":
            result.append(replace(column, type=kind, role="unused"))
        elif name in listed:
            result.append(replace(column, type=kind, role="feature"))
        elif name in hidden:
            result.append(replace(column, type=kind, role="sensitive"))
        elif name in keys:
            result.append(replace(column, type=kind, role="key"))
        elif name in dropped or name in called or said.features is not None or column.role == "unused":
            result.append(replace(column, type=kind, role="unused"))
        else:
            result.append(replace(column, type=kind, role="feature"))
    return tuple(result)


def hidden(project: Project, schema: Schema) -> list[str]:
    """The columns whose values must not be shown: sensitive ones, ids, and personal ones."""

    text, seen = personal(project), roles(project, schema)
    return [column.name for column in seen if column.role in ("sensitive", "id") or column.name in text]


def personal(project: Project) -> set[str]:
    """The personal columns of the spec."""
    return {name for name, stated in project.data.personal.items() if stated.kind != "public"}


def treatments(project: Project) -> dict[str, Anonymizer]:
    """The anonymiser of each personal column that is not kept unchanged."""
    stated = {name: personal.action for name, personal in project.data.personal.items()}
    return {
        name: cast(Anonymizer, use.plugin) for name, use in stated.items() if use is not None and use.name != "keep"
    }


def dropped(project: Project) -> frozenset[str]:
    """The columns that are never read."""
    stated = project.data.personal.items()
    return frozenset(
        name for name, personal in stated if personal.action is not None and personal.action.name == "drop"
    )


def naming(project: Project) -> frozenset[str]:
    """The direct identifiers, by their names before and after joins."""
    stated = {name for name, personal in project.data.personal.items() if personal.kind == "direct_identifier"}
    return frozenset(stated | {f"{join.prefix}{name}" for join in project.data.join for name in stated})
