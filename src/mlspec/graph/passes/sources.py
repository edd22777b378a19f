"""A step for each source of rows. It stands first because every other step reads what a source gives."""

from collections.abc import Set
from typing import Any, cast

from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Step
from mlspec.plugin import Source
from mlspec.spec import combining, pinned


def sources(graph: Graph) -> Graph:
    """Adds ``source.NAME``: ``{"source": use, "columns": [[name, type], ...]}`` -> table; a source that is fetched
    is its snapshot here. ``minimum_rows`` where the spec states it."""
    data = graph.project.data
    every = dict(tables.pairs(tables.table(graph)))
    named, joined, types = combining.named(data), {join.source: join for join in data.join}, data.columns.types
    steps = []
    for name, use in sorted(data.sources.items()):
        least = cast(Source, use.plugin).minimum_rows
        more: dict[str, Any] = {} if least is None else {"minimum_rows": least}
        schema = graph.facts.of_source(name)
        own = {column.name for column in schema}
        # Stacked tables have the same order of columns; what only joins and expressions read goes no further than them.
        columns = [] if name in joined else [[column, str(kind)] for column, kind in every.items() if column in own]
        wanted: Set[str] = (
            named | combining.taken(joined[name], schema).keys() if name in joined else named - every.keys()
        )
        wanted |= tables.of_source(graph.project, name) - {column for column, _kind in columns}
        columns += [[c.name, str(every.get(c.name) or types.get(c.name, c.type))] for c in schema if c.name in wanted]
        steps.append(
            Step(
                id=f"source.{name}",
                kind="source",
                params={
                    "source": pinned.reads(use, graph.facts.snapshots.get(name)),
                    "columns": columns,
                    **more,
                },
                outputs=KINDS["source"].outputs,
                path=("data", "sources", name),
            )
        )
    return graph.add(steps)
