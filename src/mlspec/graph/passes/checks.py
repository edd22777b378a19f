"""The checks of data and networks. It runs after the preparation, whose rows the networks are tried on, and before
tuning and training, which wait for the checks where these are to stop a run."""

from typing import Any

from mlspec.anonymizers import _identifiers as identifiers
from mlspec.graph import tables, uses
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.machine.environment import device_kind
from mlspec.plugins.model import Model
from mlspec.spec.data import Columns
from mlspec.spec.model import DATA_CHECKS, GROUP_CHECKS, NETWORK_CHECKS

DATED = ("date", "datetime")


def checks(graph: Graph) -> Graph:
    """Adds ``check.data.validation`` and ``check.data.test`` -> report, verdict (of validation rows, and of test rows
    without their target, against training rows), ``check.groups.COLUMN`` for sensitive columns, and
    ``check.CANDIDATE`` -> report, verdict for networks."""
    project = graph.project
    if project.model.checks == "off":
        return graph
    stops = project.model.stopping(DATA_CHECKS)
    target = tables.target(graph)
    accepted: dict[str, Any] = {"accept": dict(project.model.accept)} if project.model.accept else {}
    about: dict[str, Any] = {
        "features": [column.name for column in tables.table(graph) if column.role == "feature"],
        "target": [target.name, target.type],
        "task": project.project.task,
        "positive": project.data.columns.positive,
        "by": project.data.split.by,
        **_stated(project.data.columns),
        **_ties(graph),
        **accepted,
    }
    steps = [
        Step(
            id=step_id,
            kind="check_data",
            params={**about, "labels": part == "validation", "stops": stops if part == "validation" else False},
            inputs={"train": Input("split", "train"), "other": Input("split", part)},
            outputs=KINDS["check_data"].outputs,
            path=("data", "split"),
        )
        for step_id, part in (("check.data.validation", "validation"), ("check.data.test", "test"))
    ]
    for column in project.data.columns.sensitive:
        params: dict[str, Any] = {
            "features": [name for name in about["features"] if name != column],
            "group": column,
            "target": target.name,
            "positive": _positive(graph),
            "stops": project.model.stopping(GROUP_CHECKS),
            **accepted,
        }
        steps.append(
            Step(
                id=f"check.groups.{column}",
                kind="check_groups",
                params=params,
                inputs={"train": Input("split", "train")},
                outputs=KINDS["check_groups"].outputs,
                path=("data", "columns", "sensitive"),
            )
        )
    for name, use in sorted(project.model.candidates.items()):
        if isinstance(use.plugin, Model) and use.plugin.may_be_network:
            params = {
                "model": uses.pair(use),
                "task": project.project.task,
                "seed": project.model.seed,
                "stops": project.model.stopping(NETWORK_CHECKS),
                **accepted,
            }
            if use.plugin.uses_device:
                params["device"] = device_kind(project.backend.device)
            steps.append(
                Step(
                    id=f"check.{name}",
                    kind="check_network",
                    params=params,
                    inputs={part: Input(f"prepare.{name}", part) for part in ("state", "train", "validation")},
                    outputs=KINDS["check_network"].outputs,
                    path=("model", "candidates", name),
                )
            )
    return graph.add(steps)


def _stated(columns: Columns) -> dict[str, Any]:
    """What the spec says of columns that advice about them has to fit."""
    said: dict[str, Any] = {"drop": sorted(set(columns.drop))} if columns.drop else {}
    said |= {"listed": sorted(set(columns.features))} if columns.features is not None else {}
    said |= {"id": columns.id} if columns.id is not None else {}
    return {"spec": said} if said else {}


def _ties(graph: Graph) -> dict[str, Any]:
    """The columns whose values name things (``ids``), and the dated features with the row's moment."""
    data, columns = graph.project.data, tables.table(graph)
    personal = graph.project.model.personal
    whole = {data.split.column if data.split.by in ("group", "hash") else None, personal.key if personal else None}
    ids = [
        c.name
        for c in columns
        if c.name not in whole and (c.role == "id" or (c.type in ("category", "integer") and identifiers.is_id(c.name)))
    ]
    found: dict[str, Any] = {"ids": ids} if ids else {}
    kinds = {column.name: column.type for column in columns}
    moments = [data.split.column if data.split.by == "time" else None, *(j.as_of.row for j in data.join if j.as_of)]
    moment = next((name for name in moments if kinds.get(name or "") in DATED), None)
    dates = [c.name for c in columns if c.role == "feature" and c.type in DATED and c.name != moment]
    return {**found, "moment": moment, "dates": dates} if moment is not None and dates else found


def _positive(graph: Graph) -> str | None:
    """The class whose rate is compared between groups; None for numbers."""
    if graph.project.project.task == "regression":
        return None
    levels = graph.facts.target_levels or ()
    return graph.project.data.columns.positive or (levels[-1] if levels else None)


def awaited(graph: Graph, name: str) -> dict[str, Input]:
    """What a candidate's tuning and training wait for, where checks stop a run."""
    steps = {"checked.data": "check.data.validation", "checked.network": f"check.{name}"}
    steps |= {f"checked.{column}": f"check.groups.{column}" for column in graph.project.data.columns.sensitive}
    return {
        read: Input(step, "verdict")
        for read, step in steps.items()
        if step in graph.steps and graph.steps[step].params["stops"]
    }
