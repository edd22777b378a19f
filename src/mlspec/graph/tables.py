"""What the table of all rows looks like: its columns, their types, and what each is for."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from mlspec.graph import uses
from mlspec.graph.graph import Graph
from mlspec.graph.step import Input
from mlspec.plugins.base import Column, ColumnType, Schema
from mlspec.plugins.baseline import Baseline
from mlspec.plugins.source import Source, Wanted
from mlspec.rules._personal import widest
from mlspec.rules._prepared import GROUPS as GROUPS
from mlspec.rules._prepared import PREPARED as PREPARED
from mlspec.rules._roles import dropped, roles, treatments
from mlspec.spec import Project, combining
from mlspec.spec.pushed import conditions


def table(graph: Graph) -> Schema:
    """The columns of the stacked sources with stated types and roles; those that nothing may read are left out."""
    read = read_besides(graph.project)
    unused = {c.name for schema in graph.facts.schemas.values() for c in schema if c.role == "unused"}
    columns = tuple(
        Column(name, kind, "unused" if name in unused else "feature") for name, kind in _types(graph).items()
    )
    return tuple(column for column in roles(graph.project, columns) if column.role != "unused" or column.name in read)


def read_besides(project: Project) -> set[str]:
    """The columns that something reads whatever their role is."""
    data = project.data
    named: set[str | None] = {data.split.column, data.split.stratify}
    for expectation in data.expect:
        if expectation.source is None:
            named |= expectation.reads() | set(combining.names(expectation.holds))
    personal = project.model.personal
    named.add(None if personal is None else personal.key)
    mitigation = project.model.mitigation
    named.update(() if mitigation is None else mitigation.group)
    for _, _, constraint in project.constraints.stated():
        named.update(*constraint.columns().values())
    return {name for name in named if name is not None} | sliced(project)


def of_source(project: Project, name: str) -> set[str]:
    """The columns of a source that expectations read of it by itself."""
    found: set[str] = set()
    for expectation in project.data.expect:
        if expectation.source == name:
            found |= expectation.reads() | set(combining.names(expectation.holds))
        if expectation.refers_to is not None and expectation.refers_to.source == name:
            found.add(expectation.refers_to.column)
    return found


def wanted(project: Project) -> Wanted:
    """The columns of a source that the spec reads, before it is known which ones there are."""
    said, read = project.data.columns, read_besides(project) | combining.named(project.data)
    for name in project.data.sources:
        read |= of_source(project, name)
    if said.features is None or project.data.join or project.data.derive:
        return Wanted(drop=tuple(sorted({*(set(said.drop) - read), *dropped(project)})))
    named = {*said.features, said.target, said.id, said.weight, *said.sensitive, *said.use_sensitive, *read}
    return Wanted(only=tuple(sorted(name for name in named if name is not None)), drop=tuple(sorted(dropped(project))))


def wanted_of(project: Project, name: str) -> Wanted:
    """The same of one source, with the conditions of the filter that it may carry out itself.

    There are none where rows that the filter leaves out count for something: where the source is joined or checked by
    itself, must have so many rows, or draws noise row by row.
    """
    data, source = project.data, project.data.sources[name].plugin
    found = wanted(project)
    joined = {join.source for join in data.join}
    alone = {one.source for one in data.expect} | {e.refers_to.source for e in data.expect if e.refers_to is not None}
    noisy = any(person.action is not None and person.action.name == "noise" for person in data.personal.values())
    if data.filter is None or name in joined or name in alone or noisy:
        return found
    if not isinstance(source, Source) or not source.filters or source.minimum_rows is not None:
        return found
    made = {*data.derive, *(f"{join.prefix}{column}" for join in data.join for column in join.columns or ())}
    own = set(combining.names(data.filter)) - made - treatments(project).keys()
    if any(join.columns is None for join in data.join):
        # What such a join brings, and so what the filter reads of it, is not known before it is fetched.
        return found
    return replace(found, where=conditions(data.filter, own))


def sliced(project: Project) -> set[str]:
    """The columns by which test rows are cut into slices, and those that baselines look at."""
    by = [*project.evaluation.slices]
    by += [use.plugin.columns() for use in project.evaluation.baselines or () if isinstance(use.plugin, Baseline)]
    return {name for columns in by for name in columns}


def rows(graph: Graph) -> dict[str, Input]:
    """Where the rows of each stacked source come from, once they are joined, derived from and filtered."""
    combined = {name: f"combine.{name}" for name in sorted(combining.stacked(graph.project.data))}
    return {name: Input(step if step in graph.steps else f"source.{name}", "table") for name, step in combined.items()}


def derived(graph: Graph) -> dict[str, Any]:
    """What a model that is asked must derive from raw rows: ``expressions`` (name, text, type) for derived features,
    and the ``columns`` that they read (name, type); empty where no feature is derived."""
    data = graph.project.data
    types = _types(graph)
    changed = treatments(graph.project)
    needed = {column.name for column in table(graph) if column.role == "feature"} & data.derive.keys()
    expressions: list[list[str]] = []
    raw: dict[str, str] = {}
    for name, text in reversed(data.derive.items()):
        if name in needed:
            expressions.insert(0, [name, text, types[name]])
            for read in combining.names(text):
                if read in data.derive:
                    needed.add(read)
                else:
                    raw[read] = types[read] if read in changed else data.columns.types.get(read, types[read])
    return {"columns": [list(pair) for pair in sorted(raw.items())], "expressions": expressions} if expressions else {}


def target(graph: Graph) -> Column:
    """The column to predict."""
    return next(column for column in table(graph) if column.role == "target")


def measured(graph: Graph) -> list[str]:
    """The columns that metrics are computed from: the target, and the weight if there is one."""
    weight = graph.project.data.columns.weight
    return [target(graph).name, *([weight] if weight else [])]


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
    for name in sorted(graph.facts.schemas):
        for column in graph.facts.schemas[name]:
            before = types.get(column.name)
            types[column.name] = column.type if before is None else widest(before, column.type)
    return types
