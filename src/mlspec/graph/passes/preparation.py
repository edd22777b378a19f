"""The preparation of each candidate's rows. It runs after the split because whatever is fitted is fitted on training
rows only, and before training, which reads prepared rows. Candidates that want the same are merged later on."""

from collections.abc import Mapping, Sequence
from typing import Any

from mlspec.graph import tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.plugins.base import PluginRef, Schema
from mlspec.plugins.model import Model

SIGNS = {"product": " * ", "ratio": " / ", "cross": " x "}


def preparation(graph: Graph) -> Graph:
    """Adds ``prepare.CANDIDATE``: each column's steps, the target -> state, train, validation.

    A list in the spec serves every candidate; where a type has none, the candidate's model brings its own.
    """
    project = graph.project
    target = tables.target(graph)
    features = tuple(column for column in tables.table(graph) if column.role == "feature")
    made: dict[type, dict[str, Any]] = {}
    inputs = {part: Input("split", part) for part in ("train", "validation")}
    steps = []
    for name, use in sorted(project.model.candidates.items()):
        model = use.plugin
        assert isinstance(model, Model)
        params = made.get(type(model))
        if params is None:
            params = made[type(model)] = {
                "columns": _columns(graph, features, model.preparation),
                "target": [target.name, target.type],
                "task": project.project.task,
                "positive": project.data.columns.positive,
            }
            if project.data.columns.weight is not None:
                params["weight"] = project.data.columns.weight
            if project.data.columns.transform is not None:
                params["transform"] = project.data.columns.transform
            mitigation = project.model.mitigation
            if mitigation is not None:
                params["group"] = list(mitigation.group)
                if mitigation.method == "reweighing":
                    params["reweigh"] = True
        steps.append(
            Step(
                id=f"prepare.{name}",
                kind="prepare",
                params=params,
                inputs=inputs,
                outputs=KINDS["prepare"].outputs,
                path=("preprocessing",),
            )
        )
    return graph.add(steps)


def _columns(graph: Graph, features: Schema, wanted: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    stated = graph.project.preprocessing
    by_group: dict[str, list[uses.Pair]] = {}
    columns = []
    for column in features:
        group = tables.GROUPS[column.type]
        if column.name in stated.columns:
            steps = uses.pairs(stated.columns[column.name])
        elif group in by_group:
            steps = by_group[group]
        else:
            listed: tuple[PluginRef, ...] | None = getattr(stated, group)
            steps = by_group[group] = uses.pairs(
                uses.steps(wanted.get(group, tables.PREPARED.get(group, ()))) if listed is None else listed
            )
        columns.append({"name": column.name, "type": column.type, "steps": steps})
    for crossed in stated.interactions:
        kind = crossed.kinds[0]
        group = "category" if kind == "cross" else "numeric"
        if group not in by_group:
            asked: tuple[PluginRef, ...] | None = getattr(stated, group)
            by_group[group] = uses.pairs(uses.steps(wanted.get(group, ())) if asked is None else asked)
        names = list(getattr(crossed, kind))
        columns.append(
            {
                "name": SIGNS[kind].join(names),
                "type": "category" if kind == "cross" else "number",
                "steps": by_group[group],
                "of": [kind, names],
            }
        )
    return columns
