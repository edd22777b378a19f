"""Project -> Graph: runs the passes, one after the other."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from mlspec.graph.graph import Graph
from mlspec.graph.passes import PASSES
from mlspec.spec.resolve import resolve

if TYPE_CHECKING:
    from mlspec.document import Document
    from mlspec.rules.context import Facts
    from mlspec.spec import Project


class Change(Struct, frozen=True):
    """What one pass did: the ids of the steps that it added, took away and changed."""

    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def compile_graph(
    project: "Project",
    facts: "Facts",
    document: "Document | None" = None,
    trace: Callable[[Change], None] | None = None,
    passes: Sequence[Callable[[Graph], Graph]] = PASSES,
) -> Graph:
    """The graph of a project that the rules have passed: its steps, in topological order.

    ``trace`` receives what each pass changed; ``passes`` may leave some out. Reads the files that the steps read, to
    digest them; runs nothing.
    Raises ValueError for a project whose task is unclear, which a rule reports before.
    """
    project = resolve(project, facts.schemas, facts.target_levels)
    if project.project.task is None:
        raise ValueError("the task is unclear; check the project before it is compiled")
    graph = Graph(project, facts, document)
    for run_pass in passes:
        before, graph = graph, run_pass(graph)
        if trace is not None:
            trace(_change(run_pass.__module__.rpartition(".")[2], before, graph))
    _verify(graph)
    return graph


def _change(name: str, before: Graph, after: Graph) -> Change:
    old, new = before.steps, after.steps
    return Change(
        name,
        tuple(step_id for step_id in new if step_id not in old),
        tuple(step_id for step_id in old if step_id not in new),
        tuple(step_id for step_id, step in new.items() if step_id in old and old[step_id] != step),
    )


def _verify(graph: Graph) -> None:
    seen: dict[str, tuple[str, ...]] = {}
    for step_id, step in graph.steps.items():
        for read in step.inputs.values():
            if read.output not in seen.get(read.step, ()):
                raise ValueError(
                    f"step '{step_id}' reads '{read.output}' of '{read.step}', which no step before it gives"
                )
        seen[step_id] = step.outputs
