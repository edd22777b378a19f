"""A step for each source of rows. It stands first because every other step reads what a source gives."""

from typing import Any, cast

from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Step
from mlspec.plugin import Source
from mlspec.spec import pinned


def sources(graph: Graph) -> Graph:
    """Adds ``source.NAME``: ``{"source": use, "columns": [[name, type], ...]}`` -> table; a source that is fetched
    is its snapshot here. ``minimum_rows`` where the spec states it."""
    every = tables.pairs(tables.table(graph))
    steps = []
    for name, use in sorted(graph.project.data.sources.items()):
        least = cast(Source, use.plugin).minimum_rows
        more: dict[str, Any] = {} if least is None else {"minimum_rows": least}
        own = {column.name for column in graph.facts.schemas[name]}
        columns = [column for column in every if column[0] in own]
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
