"""The check of the data. It stands behind the sources, whose tables it reads, and before the split, which waits for
it."""

from typing import Any

from mlspec.graph import tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Step
from mlspec.spec.data import Expectation


def expectations(graph: Graph) -> Graph:
    """Adds ``expect``, if the spec expects anything: ``{"expectations": [...]}`` -> report, verdict."""
    expected = graph.project.data.expect
    if not expected:
        return graph
    step = Step(
        id="expect",
        kind="expect",
        params={"expectations": [_stated(expectation) for expectation in expected]},
        inputs={f"table.{name}": read for name, read in tables.rows(graph).items()},
        outputs=KINDS["expect"].outputs,
        path=("data", "expect"),
    )
    return graph.add([step])


def _stated(expectation: Expectation) -> dict[str, Any]:
    fields = uses.json_data(expectation)
    return {key: value for key, value in fields.items() if value is not None}
