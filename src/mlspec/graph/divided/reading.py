"""Sources and what is joined to them, a step for each file."""

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec

from mlspec import registry
from mlspec.graph.divided.steps import Tables, gathering, numbered, part
from mlspec.graph.graph import Graph
from mlspec.graph.step import Input, Step
from mlspec.plugins.source import Source


def files(graph: Graph, step: Step) -> list[str]:
    """The files of a source, by their names from the spec's folder; none where they are not here."""
    kind, settings = step.params["source"]
    source = cast(Source, msgspec.convert(settings, registry.plugin("sources", kind)))
    try:
        return list(source.files(Path(graph.facts.root)))
    except (OSError, ValueError):
        return []


def source(step: Step, of: list[str], tables: Tables) -> Iterator[Step]:
    """A source that consists of these files."""
    kind, settings = step.params["source"]
    kept = {key: value for key, value in step.params.items() if key not in ("parts", "minimum_rows")}
    mine = [
        part(step, place, "source_part", {**kept, "source": [kind, {**settings, "path": glob.escape(file)}]})
        for place, file in numbered(of)
    ]
    yield from mine
    yield gathering(step, {"table": mine})
    tables[step.id] = [Input(one.id, "table") for one in mine]


def combine(step: Step, tables: Tables) -> Iterator[Step]:
    """Joins and derived columns of a divided source."""
    of = tables[step.inputs["table"].step]
    mine = [
        part(step, place, "combine", {**step.params, "part": place}, {**step.inputs, "table": table})
        for place, table in numbered(of)
    ]
    yield from mine
    yield gathering(step, {"table": mine})
    tables[step.id] = [Input(one.id, "table") for one in mine]
