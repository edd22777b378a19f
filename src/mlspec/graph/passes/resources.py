"""What each step takes while it runs. It stands last: nothing of it is part of a fingerprint, and it reads what all
other passes have settled."""

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.graph.step import Resources, Step


def resources(graph: Graph) -> Graph:
    """Fills ``resources``: a GPU for training on one; one core for everything (more would change rounding with the
    machine's size), and one for each of the trials that run together."""
    return graph.replace(
        {
            step_id: replace(step, resources=Resources(cpus=_cpus(step), gpus=int(step.params.get("device") == "cuda")))
            if step.params.get("device") == "cuda" or _cpus(step) > 1
            else step
            for step_id, step in graph.steps.items()
        }
    )


def _cpus(step: Step) -> int:
    return int(step.params["parallel"]) if step.kind == "tune" else 1
