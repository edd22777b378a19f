"""Carries each table's columns, types and roles along the edges. It runs after the merge, so that each step is
described once, and needs nothing of what comes after."""

from typing import Any, cast

import msgspec
from msgspec.structs import replace

from mlspec import registry
from mlspec.graph import tables
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step
from mlspec.plugins.base import Column, Schema
from mlspec.plugins.transform import Transform as Preparation

TARGET = "__target__"


def schemas(graph: Graph) -> Graph:
    """Fills ``schemas`` of every step that gives a table."""
    every = tables.table(graph)
    by_name = {column.name: column for column in every}
    target = next(column for column in every if column.role == "target")
    predicted = {"predictions": _predictions(graph, target)}
    described: dict[str, Step] = {}
    for step_id, step in graph.steps.items():
        if step.kind in ("source", "source_part", "combine"):
            columns = tuple(by_name.get(name, Column(name, kind)) for name, kind in step.params["columns"])
            found = {"table": columns}
        elif step.kind in ("split", "fold"):
            found = {part: every for part in step.outputs if part not in ("report", "rows")}
        elif step.kind == "prepare":
            columns = (*prepared(step.params["columns"]), Column(TARGET, target.type, "target"))
            found = {part: columns for part in step.outputs if part != "state"}
        elif step.kind in ("predict", "gather", "predict_test", "predict_global", "baseline"):
            found = predicted
        else:
            described[step_id] = step
            continue
        described[step_id] = replace(step, schemas=found)
    return graph.replace(described)


def prepared(columns: list[dict[str, Any]]) -> Schema:
    """What the columns of a prepare step become, each through its steps in order."""
    plugins: dict[int, Preparation] = {}
    result: list[Column] = []
    for entry in columns:
        through: list[Column] = [Column(entry["name"], entry["type"])]
        for pair in entry["steps"]:
            step = plugins.get(id(pair))
            if step is None:
                cls = cast(type[Preparation], registry.plugin("transforms", pair[0]))
                step = plugins[id(pair)] = msgspec.convert(pair[1], cls)
            through = [
                after
                for column in through
                for after in (step.output(column) if column.type in step.accepts else (column,))
            ]
        result += through
    return tuple(result)


def _predictions(graph: Graph, target: Column) -> Schema:
    truth = Column(TARGET, target.type, "target")
    if graph.project.project.task == "regression":
        return (Column("value", "number", "unused"), truth)
    levels = graph.facts.target_levels or ()
    return (*(Column(f"p{index}", "number", "unused") for index in range(len(levels))), truth)
