"""What the table of all rows looks like: its columns, their types, and what each is for."""

from mlspec.graph.graph import Graph
from mlspec.plugin import Column, ColumnType, Schema

NUMERIC = frozenset({"integer", "number"})
GROUPS: dict[ColumnType, str] = {
    "integer": "numeric",
    "number": "numeric",
    "category": "category",
    "boolean": "category",
    "date": "date",
    "datetime": "date",
}


def table(graph: Graph) -> Schema:
    """The columns of the stacked sources with stated types and roles; those that nothing may read are left out."""
    project = graph.project
    roles = project.data.columns
    sensitive = set(roles.sensitive) - set(roles.use_sensitive)
    features = None if roles.features is None else set(roles.features)
    dropped = set(roles.drop)
    read = {expectation.column for expectation in project.data.expect} | {project.data.split.column}
    columns: list[Column] = []
    for name, kind in _types(graph).items():
        column = Column(name, roles.types.get(name, kind))
        if name == roles.target:
            column = Column(name, column.type, "target")
        elif name == roles.id:
            column = Column(name, column.type, "id")
        elif features is not None and name in features:
            pass
        elif name in sensitive:
            column = Column(name, column.type, "sensitive")
        elif name == project.data.split.column and project.data.split.by in ("group", "time", "given"):
            column = Column(name, column.type, "key")
        elif name in dropped or features is not None:
            if name not in read:
                continue
            column = Column(name, column.type, "unused")
        columns.append(column)
    return tuple(columns)


def target(graph: Graph) -> Column:
    """The column to predict."""
    return next(column for column in table(graph) if column.role == "target")


def pairs(columns: Schema) -> list[list[str]]:
    """Columns as params hold them: ``[[name, type], ...]``."""
    return [[column.name, column.type] for column in columns]


def _types(graph: Graph) -> dict[str, ColumnType]:
    """The type of each column over all sources: the widest that one of them needs."""
    types: dict[str, ColumnType] = {}
    for name in sorted(graph.project.data.sources):
        for column in graph.facts.schemas[name]:
            before = types.get(column.name)
            types[column.name] = column.type if before is None else _widest(before, column.type)
    return types


def _widest(one: ColumnType, other: ColumnType) -> ColumnType:
    if one == other:
        return one
    if one in NUMERIC and other in NUMERIC:
        return "number"
    return "datetime" if {one, other} == {"date", "datetime"} else "category"
