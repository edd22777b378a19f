"""What each step takes while it runs. It runs last: nothing of it is part of a fingerprint, and it reads what all
other passes have settled."""

from msgspec.structs import replace

from mlspec.graph.computing import share
from mlspec.graph.graph import Graph
from mlspec.graph.step import Resources, Step
from mlspec.spec.backend import Backend


def resources(graph: Graph) -> Graph:
    """Fills ``resources``: a GPU for training on one; one core for everything (more would change rounding with the
    machine's size), one for each of the trials that run together, and one of either for each process that trains."""
    usual = Resources()
    found = {step_id: _taken(step, graph.project.backend) for step_id, step in graph.steps.items()}
    return graph.replace(
        {
            step_id: step if found[step_id] == usual else replace(step, resources=found[step_id])
            for step_id, step in graph.steps.items()
        }
    )


def _taken(step: Step, backend: Backend) -> Resources:
    processes = share(step, backend)
    cpus = int(step.params["parallel"]) if step.kind == "tune" else processes
    gpus = processes if step.params.get("device") == "cuda" else 0
    return Resources(cpus=cpus, gpus=gpus, nodes=backend.nodes if processes > 1 else 1)
