"""The search for settings. It runs after the preparation, whose rows every trial reads, and before the training of
the candidates, which takes what was found; the test rows are out of its reach."""

from typing import Any

from mlspec.constraints.budget import Budget
from mlspec.graph import scores, uses
from mlspec.graph.computing import computing
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.checks import awaited
from mlspec.graph.step import Input, Step
from mlspec.machine.environment import device_kind
from mlspec.plugins.model import Model
from mlspec.spec import Project
from mlspec.spec.tuning import Tuning


def tuning(graph: Graph) -> Graph:
    """Adds ``tune.CANDIDATE`` -> best, trials, for each candidate that ``tuning`` names."""
    project = graph.project
    steps = []
    for name, wanted in sorted(project.tuning.items()):
        use = project.model.candidates[name]
        assert isinstance(use.plugin, Model)
        params: dict[str, Any] = {
            "model": uses.pair(use),
            "metric": uses.pair(scores.selecting(project)),
            "task": project.project.task,
            "seed": project.model.seed,
            "space": space(wanted, use.plugin),
            "trials": wanted.trials,
            "time": limit(project, wanted, use.plugin),
            "sampler": wanted.sampler,
            "pruner": pruner(wanted, use.plugin),
            "parallel": wanted.parallel,
            "search_seed": wanted.seed,
        }
        if use.plugin.uses_device:
            # Each trial trains in one process: several at the same time use a machine better.
            params |= {key: value for key, value in computing(project.backend).items() if key != "processes"}
        inputs = {output: Input(f"prepare.{name}", output) for output in ("state", "train", "validation")}
        inputs |= awaited(graph, name)
        steps.append(
            Step(
                id=f"tune.{name}",
                kind="tune",
                params=params,
                inputs=inputs,
                outputs=KINDS["tune"].outputs,
                path=("tuning", name),
            )
        )
    return graph.add(steps)


def limit(project: Project, wanted: Tuning, model: Model) -> float | None:
    """The seconds after which no trial begins: those stated, or those that the money buys."""
    budget = project.constraints.one(Budget)
    stated = None if budget is None else budget.money
    if wanted.money is None or stated is None:
        return wanted.time
    price = stated.gpu_hour if on_gpu(model, project) else stated.cpu_hour
    return min(wanted.money / price * 3600, wanted.time or float("inf")) if price else wanted.time


def on_gpu(model: Model, project: Project) -> bool:
    """Whether a candidate's trials compute on a GPU, whose hour has a price of its own."""
    return model.uses_device and device_kind(project.backend.device) not in ("cpu", "auto")


def pruner(wanted: Tuning, model: Model) -> str:
    """The pruner that is stated, or the one that suits the model."""
    return wanted.pruner or ("asha" if model.pausable else "none")


def space(wanted: Tuning, model: Model) -> dict[str, dict[str, Any]]:
    """The space that is stated, or the model's own, as plain JSON."""
    if wanted.space is None:
        return {name: dict(uses.json_data(dimension)) for name, dimension in model.space.items()}
    return {
        name: {kind: uses.json_data(getattr(dimension, kind)) for kind in dimension.kinds}
        for name, dimension in sorted(wanted.space.items())
    }


def tuned(graph: Graph, name: str) -> dict[str, Input]:
    """Additional inputs of a step that uses a tuned candidate."""
    return {"tuned": Input(f"tune.{name}", "best")} if name in graph.project.tuning else {}
