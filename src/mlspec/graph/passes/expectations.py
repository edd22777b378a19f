"""The check of the data. It runs after the sources and what joins them, whose tables it reads, and before the split,
which waits for it."""

from typing import Any

from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.rules._roles import hidden
from mlspec.spec.expect import stated

LEFT_OUT = ("dropped", "quarantine")


def expectations(graph: Graph) -> Graph:
    """Adds ``expect``, if the spec expects anything: ``{"expectations": [...], "masked": columns}`` -> report, verdict;
    dropped and quarantine where rows may be left out."""
    data = graph.project.data
    if not data.expect:
        return graph
    inputs = {f"table.{name}": read for name, read in tables.rows(graph).items()}
    for expectation in data.expect:
        for name in (expectation.source, expectation.refers_to and expectation.refers_to.source):
            if name:
                inputs[f"source.{name}"] = Input(f"source.{name}", "table")
    columns = next(iter(graph.facts.schemas.values()))
    masked = hidden(graph.project, columns)
    params: dict[str, Any] = {"expectations": [stated(expectation) for expectation in data.expect]}
    # Where no row and no group is shown, there is nothing to hide.
    if masked and any(expectation.shows_rows() for expectation in data.expect):
        params["masked"] = masked
    leaves_out = any(expectation.on_fail != "stop" for expectation in data.expect)
    step = Step(
        id="expect",
        kind="expect",
        params=params,
        inputs=inputs,
        outputs=(*KINDS["expect"].outputs, *(LEFT_OUT if leaves_out else ())),
        path=("data", "expect"),
    )
    return graph.add([step])
