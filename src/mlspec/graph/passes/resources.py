"""What each step takes while it runs. It stands last: nothing of it is part of a fingerprint, and it reads what all
other passes have settled."""

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.graph.step import Resources

GPU = Resources(gpus=1)


def resources(graph: Graph) -> Graph:
    """Fills ``resources``: a GPU for training on one; one core for everything (more would change rounding with the
    machine's size)."""
    return graph.replace(
        {
            step_id: replace(step, resources=GPU) if step.params.get("device") == "cuda" else step
            for step_id, step in graph.steps.items()
        }
    )
