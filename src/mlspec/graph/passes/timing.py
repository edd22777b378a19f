"""The time of each training, where ``model.time`` limits all of them together. It runs after the folds and the
repeats, which say how many trainings there are."""

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.plugins.model import Model
from mlspec.spec import Project

TRAINING = 0.85  # of the time: the rest is for preparing and predicting rows, scoring and selecting
REFIT = 0.25  # of the time, where the selected model is fitted again


def timing(graph: Graph) -> Graph:
    """Adds to the params of each ``train`` step ``time``: its seconds where trainings run one after the other.

    Where a run schedules them, quick ones leave time to others (``engine/allowance.py``). Weighted by ``Model.worth``.
    """
    project = graph.project
    if project.model.time is None:
        return graph
    worth = {
        name: use.plugin.worth if isinstance(use.plugin, Model) else Model.worth
        for name, use in project.model.candidates.items()
    }
    trained = [step for step in graph.steps.values() if step.kind == "train"]
    fits = {name: sum(candidate_of(step.id) == name for step in trained) for name in worth}
    one = for_training(project) / sum(worth[name] for name, count in fits.items() if count)
    steps = {}
    for step in trained:
        name = candidate_of(step.id)
        steps[step.id] = replace(step, params={**step.params, "time": round(one * worth[name] / fits[name], 3)})
    return graph.replace({step.id: steps.get(step.id, step) for step in graph.steps.values()})


def for_training(project: Project) -> float:
    """The seconds that all trainings may take."""
    share = TRAINING - (REFIT if project.model.final == "refit" else 0.0)
    return share * (project.model.time or 0.0)


def candidate_of(step_id: str) -> str:
    """The candidate that a step trains: the second part of its id."""
    return step_id.split(".")[1]


def shares(graph: Graph) -> dict[str, tuple[str, float]]:
    """For each training whose time is limited its candidate and its seconds, in the order of the candidates."""
    found = {
        step.id: (candidate_of(step.id), float(step.params["time"]))
        for step in graph.steps.values()
        if step.kind == "train" and "time" in step.params
    }
    order = {name: place for place, name in enumerate(graph.project.model.candidates)}
    return dict(sorted(found.items(), key=lambda item: order[item[1][0]]))
