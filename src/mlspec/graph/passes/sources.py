"""A step for each source of rows. It stands first because every other step reads what a source gives."""

from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.graph import tables
from mlspec.graph.environment import key_mark
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Step
from mlspec.plugin import Source, Treatment
from mlspec.spec import pinned


def sources(graph: Graph) -> Graph:
    """Adds ``source.NAME``: ``{"source": use, "columns": [[name, type], ...]}`` -> table; a source that is fetched
    is its snapshot here. ``minimum_rows`` where the spec states it; ``treatments`` of personal columns, and marks of
    the keys that they use."""
    every = tables.pairs(tables.table(graph))
    steps = []
    for name, use in sorted(graph.project.data.sources.items()):
        least = cast(Source, use.plugin).minimum_rows
        more: dict[str, Any] = {} if least is None else {"minimum_rows": least}
        own = {column.name for column in graph.facts.schemas[name]}
        kept = [column for column in every if column[0] in own]
        treated = tables.treated(graph, (column for column, _kind in kept))
        kinds = graph.facts.raw_types
        columns = [[column, kinds.get(column, kind)] for column, kind in kept]
        if treated:
            more["treatments"] = treated
            secrets = sorted({secret for _, _, use in treated if (secret := _secret(use))})
            if secrets:
                more["keys"] = {secret: key_mark(secret) for secret in secrets}
        personal = sorted(graph.project.data.personal.keys() & own)
        if personal:
            more["personal"] = personal
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


def _secret(use: list[Any]) -> str:
    return cast(Treatment, msgspec.convert(use[1], registry.plugin("treatments", use[0]))).secret()
