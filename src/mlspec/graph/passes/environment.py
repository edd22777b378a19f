"""The library versions that change a step's results. It runs after the merge: they follow from a step's kind and
params, and it comes with ``code``, which finds the same plug-ins."""

from functools import cache

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.passes.code import packaged_plugins, used_plugins
from mlspec.graph.step import Step
from mlspec.machine import processors
from mlspec.machine.environment import machine, processor, python_version, versions
from mlspec.registry import plugin

FIXED = "instructions"
EXACT = frozenset({"polars"})  # whose results no processor changes
NUMERIC = frozenset(
    {
        "train",
        "tune",
        "predict",
        "predict_test",
        "seeds",
        "decide",
        "importance",
        "train_groups",
        "train_shared",
        "personalize",
        "refit",
        "predict_global",
        "measure",
    }
)


def environment(graph: Graph) -> Graph:
    """Fills ``environment``: libraries of the kind and its plug-ins; Python and the kind of machine for floating point
    work, the processor for what is timed, the instruction set where the backend fixes it."""
    portable = graph.project.backend.reproducible == "portable"

    @cache
    def found(kind: str, used: tuple[tuple[str, str], ...], private: bool) -> dict[str, str]:
        libraries = ({"opacus"} if private else set()) | set(KINDS[kind].libraries).union(
            *(plugin(of, name).libraries for of, name in used)
        )
        result = versions(libraries)
        if kind in NUMERIC:
            result |= {"python": python_version(), "machine": machine()}
        elif kind == "latency":
            result |= {"python": python_version(), "processor": processor()}
        if portable and result.keys() - EXACT:
            result[FIXED] = processors.PORTABLE
        return result

    packaged = packaged_plugins(graph)
    return graph.replace(
        {
            step_id: replace(step, environment=found(step.kind, used_plugins(step, packaged), _is_private(step)))
            for step_id, step in graph.steps.items()
        }
    )


def _is_private(step: Step) -> bool:
    return step.kind == "train" and bool(step.params["model"][1].get("private"))
