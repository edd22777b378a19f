"""The split. It runs after the check of the data, so that nothing is split, and so nothing fitted, on rows that are
not what they should be, and before all steps that fit, which read its parts."""

from typing import Any

from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.spec import units
from mlspec.spec.data import Split


def extra_params(how: Split) -> dict[str, Any]:
    """Settings of a split in addition to shares and a column; nothing where nothing is said."""
    said: dict[str, Any] = {} if how.stratify is None else {"stratify": how.stratify}
    if how.gap is not None:
        # Seconds, or the unit of a column that counts time by numbers.
        said["gap"] = units.parse("duration", how.gap) if isinstance(how.gap, str) else how.gap
    return said


def split(graph: Graph) -> Graph:
    """Adds ``split`` -> train, validation, test."""
    data = graph.project.data
    how = data.split
    target = tables.target(graph)
    by_source = how.by == "given" and how.column is None
    inputs = {f"table.{name}": read for name, read in tables.rows(graph).items()}
    if "expect" in graph.steps:
        inputs["verdict"] = Input("expect", "verdict")
        if "dropped" in graph.steps["expect"].outputs:
            inputs["dropped"] = Input("expect", "dropped")
    step = Step(
        id="split",
        kind="split",
        params={
            "by": how.by,
            "column": target.name if how.by == "stratified" and how.column is None else how.column,
            "test": how.test,
            "validation": how.validation,
            "seed": how.seed,
            "parts": {name: getattr(use.plugin, "part", None) for name, use in data.sources.items()}
            if by_source
            else {},
            "target": [target.name, target.type],
            "classes": graph.project.project.task != "regression",
            "sample": data.sample,
            **extra_params(how),
        },
        inputs=inputs,
        outputs=KINDS["split"].outputs,
        path=("data", "split"),
    )
    return graph.add([step])
