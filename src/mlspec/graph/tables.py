"""What the table of all rows looks like: its columns, their types, and what each is for."""

from collections.abc import Iterable
from typing import Any

from mlspec.graph import uses
from mlspec.graph.graph import Graph
from mlspec.plugin import Baseline, Column, ColumnType, Schema, Wanted
from mlspec.rules._personal import dropped, treatments, widest
from mlspec.rules.check import roles
from mlspec.spec import Project

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
    read = read_besides(graph.project)
    columns = tuple(Column(name, kind) for name, kind in _types(graph).items())
    return tuple(column for column in roles(graph.project, columns) if column.role != "unused" or column.name in read)


def read_besides(project: Project) -> set[str]:
    """The columns that something reads whatever their role is."""
    data = project.data
    named = {expectation.column for expectation in data.expect} | {data.split.column}
    privacy = project.constraints.privacy
    if privacy is not None and privacy.k_anonymity is not None:
        named.update(privacy.k_anonymity.columns)
    if privacy is not None and privacy.l_diversity is not None:
        named.update((*privacy.l_diversity.columns, privacy.l_diversity.sensitive))
    return {name for name in named if name is not None} | sliced(project)


def wanted(project: Project) -> Wanted:
    """The columns of a source that the spec reads, before it is known which ones there are."""
    said, read = project.data.columns, read_besides(project)
    if said.features is None:
        return Wanted(drop=tuple(sorted({*(set(said.drop) - read), *dropped(project)})))
    named = {*said.features, said.target, said.id, said.weight, *said.sensitive, *said.use_sensitive, *read}
    return Wanted(only=tuple(sorted(name for name in named if name is not None)), drop=tuple(sorted(dropped(project))))


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


def treated(graph: Graph, columns: Iterable[str]) -> list[list[Any]]:
    """How those of these columns are treated that are: ``[[name, type as read, [treatment, settings]], ...]``."""
    actions, kinds = treatments(graph.project), graph.facts.raw_types
    stated = graph.project.data.personal
    found = []
    for name in columns:
        use = stated[name].action if name in actions else None
        if use is not None:
            found.append([name, kinds[name], uses.pair(use)])
    return found


def _types(graph: Graph) -> dict[str, ColumnType]:
    """The type of each column over all sources: the widest that one of them needs."""
    types: dict[str, ColumnType] = {}
    for name in sorted(graph.project.data.sources):
        for column in graph.facts.schemas[name]:
            before = types.get(column.name)
            types[column.name] = column.type if before is None else widest(before, column.type)
    return types
