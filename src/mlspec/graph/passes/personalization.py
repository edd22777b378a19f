"""Models of their own for groups. It runs after all that reads the package, which it hands the personalized one, and
before the gates, which read what came of it. What groups there are is known from data alone, so that the fan-out is one
over a fixed number of parts, to which groups are dealt by their names."""

from typing import Any

from msgspec.structs import replace

from mlspec.graph import scores, tables, uses
from mlspec.graph.computing import computing
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.plugins.model import Model
from mlspec.spec.personalization import GLOBAL, Personalization

PATH = ("model", "personalization")


def personalization(graph: Graph) -> Graph:
    """Adds ``personalize.K`` (or ``personalize.shared``) -> models; ``personalize`` -> groups, model; and
    ``baseline.global`` -> predictions of the one model. Whatever read the package reads the personalized one."""
    wanted = graph.project.model.personal
    if wanted is None:
        return graph
    common = Input("select", "model")
    made = [*_training(graph, wanted, common)]
    made.append(_deciding(graph, wanted, common, [step.id for step in made]))
    made.append(
        Step(
            id=f"baseline.{GLOBAL}",
            kind="predict_global",
            inputs={"model": common, "test": Input("split", "test")},
            outputs=KINDS["predict_global"].outputs,
            path=PATH,
        )
    )
    steps: dict[str, Step] = {}
    for step in graph.steps.values():
        if common in step.inputs.values():
            inputs = {
                name: Input("personalize", "model") if read == common else read for name, read in step.inputs.items()
            }
            step = replace(step, inputs=inputs)
        if step.id == "evaluate":
            step = _evaluated(graph, step)
        steps[step.id] = step
        if step.id == "select":
            steps |= {own.id: own for own in made}
    return graph.replace(steps)


def _training(graph: Graph, wanted: Personalization, common: Input) -> list[Step]:
    project = graph.project
    params: dict[str, Any] = {
        "key": wanted.key,
        "level": wanted.level,
        "min_group_size": wanted.min_group_size,
        "seed": project.model.seed,
        "task": project.project.task,
        **_device(graph),
    }
    inputs = {"model": common, "train": Input("split", "train")}
    if wanted.strategy == "finetune":
        return [
            Step(
                id=f"personalize.{number + 1}",
                kind="train_groups",
                params={**params, "part": number, "parts": wanted.parts},
                inputs=inputs,
                outputs=KINDS["train_groups"].outputs,
                path=PATH,
            )
            for number in range(wanted.parts)
        ]
    candidates = {name: _prepared(graph, name, wanted) for name in sorted(project.model.candidates)}
    return [
        Step(
            id="personalize.shared",
            kind="train_shared",
            params={**params, "candidates": candidates},
            inputs={**inputs, "validation": Input("split", "validation")},
            outputs=KINDS["train_shared"].outputs,
            path=PATH,
        )
    ]


def _prepared(graph: Graph, name: str, wanted: Personalization) -> dict[str, Any]:
    """How a candidate's rows are prepared, the key among them: as a category, and groups that are too small as one."""
    params: dict[str, Any] = graph.steps[f"prepare.{name}"].params
    project, stated = graph.project, graph.project.preprocessing
    model = project.model.candidates[name].plugin
    assert isinstance(model, Model) and wanted.key is not None  # noqa: PT018
    known = {column.name: column.type for column in tables.table(graph)}
    if wanted.strategy == "embedding":
        steps = uses.pairs(uses.steps([{"group_rare": {"min_count": wanted.min_group_size}}, {"encode": "ordinal"}]))
    elif wanted.key in stated.columns:
        steps = uses.pairs(stated.columns[wanted.key])
    else:
        own = stated.category if stated.category is not None else uses.steps(model.preparation.get("category", ()))
        rare = uses.steps([{"group_rare": {"min_count": wanted.min_group_size}}])
        steps = uses.pairs([*rare, *own])
    entry = {"name": wanted.key, "type": known[wanted.key], "steps": steps}
    return {**params, "columns": [*params["columns"], entry]}


def _deciding(graph: Graph, wanted: Personalization, common: Input, trained: list[str]) -> Step:
    project = graph.project
    known = {column.name: column.type for column in tables.table(graph)}
    assert wanted.key is not None
    return Step(
        id="personalize",
        kind="personalize",
        params={
            "key": wanted.key,
            "key_type": known[wanted.key],
            "level": wanted.level,
            "strategy": wanted.strategy,
            "min_group_size": wanted.min_group_size,
            "metric": uses.pair(scores.selecting(project)),
            "confidence": scores.scoring(project)["confidence"],
        },
        inputs={
            "model": common,
            "train": Input("split", "train"),
            "validation": Input("split", "validation"),
            **{f"models.{step_id.rpartition('.')[2]}": Input(step_id, "models") for step_id in trained},
        },
        outputs=KINDS["personalize"].outputs,
        path=PATH,
    )


def _evaluated(graph: Graph, step: Step) -> Step:
    """The evaluation, which holds the personalized answers against the one model's, group by group."""
    params = {**step.params, "personalization": {"metric": uses.pair(scores.selecting(graph.project))}}
    inputs = {
        **step.inputs,
        f"baseline.{GLOBAL}": Input(f"baseline.{GLOBAL}", "predictions"),
        "model": Input("personalize", "model"),
        "test": Input("split", "test"),
    }
    return replace(step, params=params, inputs=inputs)


def _device(graph: Graph) -> dict[str, Any]:
    plugins = (use.plugin for use in graph.project.model.candidates.values())
    if any(isinstance(plugin, Model) and plugin.uses_device for plugin in plugins):
        # Groups are small: each is trained in one process.
        return {key: value for key, value in computing(graph.project.backend).items() if key != "processes"}
    return {}
