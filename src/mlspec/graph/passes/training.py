"""Training, prediction and scoring of each candidate on the validation rows. It runs after the preparation, whose
rows and state it reads, and before the selection, which reads the scores."""

from typing import Any

from mlspec.graph import uses
from mlspec.graph.computing import computing
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.checks import awaited
from mlspec.graph.passes.tuning import tuned
from mlspec.graph.scores import deciding, mitigating, scoring
from mlspec.graph.step import Input, Step
from mlspec.machine.environment import key_mark
from mlspec.plugins.model import Model


def training(graph: Graph) -> Graph:
    """Adds for each candidate ``train`` -> model, history; ``predict`` -> predictions; ``evaluate`` -> metrics; and
    ``decide`` -> decision, where costs of mistakes or a recalibration are stated. ``keys``: marks of those that a
    training takes from the environment."""
    project = graph.project
    task, seed = project.project.task, project.model.seed
    scored, decides = scoring(project), deciding(project)
    mitigation = project.model.mitigation
    constrained = mitigating(mitigation) if mitigation is not None and mitigation.method == "constrained" else None
    steps = []
    for name, use in sorted(project.model.candidates.items()):
        path = ("model", "candidates", name)
        model = uses.pair(use)
        state = Input(f"prepare.{name}", "state")
        validation = Input(f"prepare.{name}", "validation")
        params: dict[str, Any] = {"model": model, "seed": seed, "task": task}
        decision = {"decision": Input(f"decide.{name}", "decision")} if decides else {}
        if isinstance(use.plugin, Model) and use.plugin.uses_device:
            params |= computing(project.backend)
        if constrained is not None:
            # Several models are fitted for each: they take the one process by turns.
            params = {**{key: value for key, value in params.items() if key != "processes"}, "mitigation": constrained}
        secret = use.plugin.secret() if isinstance(use.plugin, Model) else ""
        if secret:
            params["keys"] = {secret: key_mark(secret)}
        steps += [
            Step(
                id=f"train.{name}",
                kind="train",
                params=params,
                inputs={
                    "train": Input(f"prepare.{name}", "train"),
                    "validation": validation,
                    "state": state,
                    **tuned(graph, name),
                    **awaited(graph, name),
                },
                outputs=KINDS["train"].outputs,
                path=path,
            ),
            Step(
                id=f"predict.{name}",
                kind="predict",
                params={"model": model, "task": task},
                inputs={
                    "model": Input(f"train.{name}", "model"),
                    "state": state,
                    "validation": validation,
                    **tuned(graph, name),
                },
                outputs=KINDS["predict"].outputs,
                path=path,
            ),
        ]
        if decides:
            steps.append(
                Step(
                    id=f"decide.{name}",
                    kind="decide",
                    params=decides,
                    inputs={"predictions": Input(f"predict.{name}", "predictions")},
                    outputs=KINDS["decide"].outputs,
                    path=path,
                )
            )
        steps.append(
            Step(
                id=f"evaluate.{name}",
                kind="evaluate",
                params=scored,
                inputs={"predictions": Input(f"predict.{name}", "predictions"), **decision},
                outputs=KINDS["evaluate"].outputs,
                path=path,
            )
        )
    return graph.add(steps)
