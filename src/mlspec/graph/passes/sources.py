"""A step for each source of rows. It stands first because every other step reads what a source gives."""

from mlspec.graph import tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Step


def sources(graph: Graph) -> Graph:
    """Adds ``source.NAME``: ``{"source": use, "columns": [[name, type], ...]}`` -> table."""
    every = tables.pairs(tables.table(graph))
    steps = []
    for name, use in sorted(graph.project.data.sources.items()):
        source, settings = uses.pair(use)
        settings.pop("part", None)
        own = {column.name for column in graph.facts.schemas[name]}
        columns = [column for column in every if column[0] in own]
        steps.append(
            Step(
                id=f"source.{name}",
                kind="source",
                params={"source": [source, settings], "columns": columns},
                outputs=KINDS["source"].outputs,
                path=("data", "sources", name),
            )
        )
    return graph.add(steps)
