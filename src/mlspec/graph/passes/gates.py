"""A gate for each requirement that one decides on. It runs after all that measures, and nothing reads a gate: when
one fails, the others are still decided."""

from mlspec.graph.budget import on_gpu
from mlspec.graph.computing import processes, share
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.machine.environment import device_kind
from mlspec.plugins.model import Model
from mlspec.spec import Project
from mlspec.spec.requirements import requirements

METRICS = ("metrics", Input("evaluate", "metrics"))
READS = {
    "latency": ("latency", Input("measure.latency", "latency")),
    "throughput": ("latency", Input("measure.throughput", "latency")),
    "size": ("size", Input("measure.size", "size")),
    "serving_memory": ("memory", Input("measure.memory", "memory")),
    "examples": ("answers", Input("examples", "answers")),
}
PRIVACY = {
    "membership": ("membership", Input("measure.membership", "membership")),
    "differential_privacy": ("promise", Input("measure.differential_privacy", "promise")),
}


def gates(graph: Graph) -> Graph:
    """Adds ``gate.REQUIREMENT`` -> verdict, each with its one constraint as params."""
    steps = []
    for requirement in requirements(graph.project):
        if requirement.binding != "gate":
            continue
        params = dict(requirement.check)
        if params.get("what") == "gpus":
            params["used"] = _gpus(graph.project)
        if params.get("what") in ("gpu_hours", "money"):
            params["on_gpu"] = sorted(step.id for step in graph.steps.values() if on_gpu(step))
            several = {step.id: share(step, graph.project.backend) for step in graph.steps.values() if on_gpu(step)}
            if any(count > 1 for count in several.values()):
                params["gpus"] = several
        name, read = READS.get(params["of"], METRICS)
        if params["of"] == "privacy":
            name, read = PRIVACY.get(params["what"], ("privacy", Input("measure.privacy", "privacy")))
        steps.append(
            Step(
                id=f"gate.{requirement.id}",
                kind="gate",
                params=params,
                inputs={name: read},
                outputs=KINDS["gate"].outputs,
                path=requirement.path,
            )
        )
    return graph.add(steps)


def _gpus(project: Project) -> int:
    wanted = any(isinstance(use.plugin, Model) and use.plugin.uses_device for use in project.model.candidates.values())
    return processes(project.backend) if wanted and device_kind(project.backend.device) == "cuda" else 0
