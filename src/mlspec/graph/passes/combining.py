"""What makes rows of several sources. It runs after the sources, whose tables it joins, and before the check of the
data and the split, which read what it gives."""

from typing import Any

from mlspec.graph import tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.spec.combining import is_combined, stacked, taken


def combining(graph: Graph) -> Graph:
    """Adds ``combine.NAME`` for each stacked source, where rows are joined, derived from or filtered.

    ``{"joins": [...], "derive": [[name, expression, type], ...], "filter": expression, "columns": [[name, type],
    ...]}`` -> table.
    """
    data = graph.project.data
    if not is_combined(data):
        return graph
    every = tables.pairs(tables.table(graph))
    steps = []
    for name in sorted(stacked(data)):
        types = {column.name: column.type for column in graph.facts.schemas[name]}
        joins: list[dict[str, Any]] = []
        for join in data.join:
            names = {theirs: column.name for theirs, column in taken(join, graph.facts.of_source(join.source)).items()}
            joins.append({**uses.json_data(join), "columns": names})
        params: dict[str, Any] = {
            "joins": joins,
            "derive": [[column, text, types[column]] for column, text in data.derive.items()],
            "filter": data.filter,
            "columns": [pair for pair in every if pair[0] in types],
        }
        inputs = {"table": Input(f"source.{name}", "table")}
        inputs |= {f"join.{join.source}": Input(f"source.{join.source}", "table") for join in data.join}
        steps.append(
            Step(
                id=f"combine.{name}",
                kind="combine",
                params=params,
                inputs=inputs,
                outputs=KINDS["combine"].outputs,
                path=("data", "join" if data.join else "derive" if data.derive else "filter"),
            )
        )
    return graph.add(steps)
