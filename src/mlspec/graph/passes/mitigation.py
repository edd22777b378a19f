"""What mitigation costs and buys. It runs after the selection, because the model that is shipped is held against one
without mitigation, and reads validation rows alone: nothing is chosen by it."""

from typing import Any

from mlspec.graph import scores
from mlspec.graph.computing import computing
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.plugins.model import Model


def mitigation(graph: Graph) -> Graph:
    """Adds ``tradeoff`` -> tradeoff, where mitigation is asked for."""
    project = graph.project
    stated = project.model.mitigation
    if stated is None:
        return graph
    inputs = {"model": Input("select", "model"), "validation": Input("split", "validation")}
    params: dict[str, Any] = {
        **scores.scoring(project),
        "deciding": {key: value for key, value in scores.deciding(project).items() if key != "mitigation"},
        "mitigation": {**scores.mitigating(stated), "method": stated.method, "group": list(stated.group)},
    }
    if stated.method != "thresholds":
        inputs["train"] = Input("split", "train")
        params["seed"] = project.model.seed
        params["candidates"] = prepared(graph, plain=True)
        params |= device(graph)
    if stated.method == "constrained":
        inputs |= {f"history.{name}": Input(f"train.{name}", "history") for name in sorted(project.model.candidates)}
    step = Step(
        id="tradeoff",
        kind="tradeoff",
        params=params,
        inputs=inputs,
        outputs=KINDS["tradeoff"].outputs,
        path=("model", "mitigation"),
    )
    return graph.add([step])


def prepared(graph: Graph, *, plain: bool) -> dict[str, dict[str, Any]]:
    """How each candidate's rows are prepared; ``plain``: without what mitigation does."""
    left_out = ("group", "reweigh") if plain else ()
    return {
        name: {key: value for key, value in graph.steps[f"prepare.{name}"].params.items() if key not in left_out}
        for name in sorted(graph.project.model.candidates)
    }


def device(graph: Graph) -> dict[str, Any]:
    """The device settings of a step that fits the selected candidate: one process does it."""
    plugins = (use.plugin for use in graph.project.model.candidates.values())
    if any(isinstance(plugin, Model) and plugin.uses_device for plugin in plugins):
        return {key: value for key, value in computing(graph.project.backend).items() if key != "processes"}
    return {}
