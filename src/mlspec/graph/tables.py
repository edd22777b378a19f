"""What the table of all rows looks like: its columns, their types, and what each is for."""

from mlspec.graph.graph import Graph
from mlspec.plugin import Baseline, Column, ColumnType, Schema
from mlspec.rules.check import roles
from mlspec.spec import Project

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
    data = graph.project.data
    read = {expectation.column for expectation in data.expect} | {data.split.column} | sliced(graph.project)
    personal = graph.project.model.personal
    read.add(None if personal is None else personal.key)
    columns = tuple(Column(name, kind) for name, kind in _types(graph).items())
    return tuple(column for column in roles(graph.project, columns) if column.role != "unused" or column.name in read)


def sliced(project: Project) -> set[str]:
    """The columns by which test rows are cut into slices and groups, and those that baselines look at."""
    by = [*project.evaluation.slices, *(gate.group for gate in project.constraints.fairness)]
    by += [use.plugin.columns() for use in project.evaluation.baselines or () if isinstance(use.plugin, Baseline)]
    return {name for columns in by for name in columns}


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
