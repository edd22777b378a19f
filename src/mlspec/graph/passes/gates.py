"""A gate for each requirement that one decides on. It runs after all that measures, and nothing reads a gate: when
one fails, the others are still decided."""

from mlspec import registry
from mlspec.graph.budget import on_gpu
from mlspec.graph.computing import processes, share
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Input, Step
from mlspec.machine.environment import device_kind
from mlspec.plugins.constraint import Computing
from mlspec.plugins.model import Model
from mlspec.spec import Project
from mlspec.spec.requirements import requirements


def gates(graph: Graph) -> Graph:
    """Adds ``gate.REQUIREMENT`` -> verdict, each with its one constraint as params."""
    steps, computing = [], _computing(graph)
    for requirement in requirements(graph.project):
        if requirement.binding != "gate":
            continue
        reads = requirement.reads
        steps.append(
            Step(
                id=f"gate.{requirement.id}",
                kind="gate",
                params=dict(registry.constraint(requirement.check["of"]).planned(requirement.check, computing)),
                inputs={reads.output: Input(reads.step, reads.output)},
                outputs=KINDS["gate"].outputs,
                path=requirement.path,
            )
        )
    return graph.add(steps)


def _computing(graph: Graph) -> Computing:
    shares = {step.id: share(step, graph.project.backend) for step in graph.steps.values() if on_gpu(step)}
    return Computing(gpus=_gpus(graph.project), on_gpu=tuple(sorted(shares)), shares=shares)


def _gpus(project: Project) -> int:
    wanted = any(isinstance(use.plugin, Model) and use.plugin.uses_device for use in project.model.candidates.values())
    return processes(project.backend) if wanted and device_kind(project.backend.device) == "cuda" else 0
