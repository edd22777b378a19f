"""The version of each piece of code that does a step's work. It runs after the merge: what code does the work
follows from a step's kind and params, so equal steps have equal code."""

from functools import cache

from msgspec.structs import replace

from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.plugins import plugins_of
from mlspec.graph.step import Step
from mlspec.registry import plugin

PACKAGED = frozenset(
    {
        "predict_test",
        "seeds",
        "latency",
        "importance",
        "train_groups",
        "train_shared",
        "personalize",
        "refit",
        "predict_global",
        "measure",
    }
)


def code(graph: Graph) -> Graph:
    """Fills ``code``: the kind's version, and that of every plug-in that the step's params name."""

    @cache
    def versions(kind: str, used: tuple[tuple[str, str], ...]) -> dict[str, str]:
        return {kind: str(KINDS[kind].version)} | {f"{of}/{name}": str(plugin(of, name).version) for of, name in used}

    packaged = packaged_plugins(graph)
    return graph.replace(
        {
            step_id: replace(step, code=versions(step.kind, used_plugins(step, packaged)))
            for step_id, step in graph.steps.items()
        }
    )


def packaged_plugins(graph: Graph) -> tuple[tuple[str, str], ...]:
    """The plug-ins that may be in the exported package: what a step that runs the package runs too."""
    inside: set[tuple[str, str]] = set()
    for step in graph.steps.values():
        if step.kind in ("prepare", "train"):
            inside.update(plugins_of(step))
    return tuple(sorted(inside))


def used_plugins(step: Step, packaged: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The plug-ins whose code a step runs; ``packaged`` are those that are in the exported package."""
    if step.kind in PACKAGED:
        return tuple(sorted({*packaged, *plugins_of(step)}))
    return plugins_of(step)
