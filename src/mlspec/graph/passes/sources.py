"""A step for each source of rows. It runs first because every other step reads what a source gives."""

from collections.abc import Set
from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Step
from mlspec.machine.environment import key_mark
from mlspec.plugins.anonymizer import Anonymizer
from mlspec.plugins.source import Source
from mlspec.spec import combining, pinned


def sources(graph: Graph) -> Graph:
    """Adds ``source.NAME``: ``{"source": use, "columns": [[name, type], ...]}`` -> table; a source that is fetched
    is its snapshot here. ``minimum_rows`` where the spec states it; ``treatments`` of personal columns, marks of
    the keys that they use, and ``treated`` where the snapshot holds them so; ``parts`` where it is read by parts."""
    data = graph.project.data
    every = dict(tables.pairs(tables.table(graph)))
    named, joined, types = combining.named(data), {join.source: join for join in data.join}, data.columns.types
    raw = graph.facts.raw_types
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
        if by_parts(use.plugin):
            more["parts"] = "file"
        treated = tables.treated(graph, (column for column, _kind in columns))
        done = pinned.keeps_treated(graph.facts.snapshots.get(name))
        kinds = {c.name: c.type for c in schema if c.name in raw} if done else raw
        columns = [[column, str(kinds.get(column, kind))] for column, kind in columns]
        if treated:
            more["treatments"] = treated
            if done:
                more["treated"] = True
            secrets = sorted({secret for _, _, use in treated if (secret := _secret(use))})
            if secrets:
                more["keys"] = {secret: key_mark(secret) for secret in secrets}
        personal = sorted(data.personal.keys() & own)
        if personal:
            more["personal"] = personal
        steps.append(
            Step(
                id=f"source.{name}",
                kind="source",
                params={
                    "source": graph.facts.reads_of(name, use),
                    "columns": columns,
                    **more,
                },
                outputs=KINDS["source"].outputs,
                path=("data", "sources", name),
            )
        )
    return graph.add(steps)


def by_parts(source: object) -> bool:
    """Whether each file of a source is read by a step of its own."""
    return getattr(source, "parts", None) is not None


def _secret(use: list[Any]) -> str:
    return cast(Anonymizer, msgspec.convert(use[1], registry.plugin("anonymizers", use[0]))).secret()
