"""Refuses a graph that leads back to itself: a step that reads a file which is made from its own result. It runs after
the files, which say what each step reads."""

import os

from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.graph.graph import Graph
from mlspec.graph.show import dvc


def cycles(graph: Graph) -> Graph:
    """The graph as it is. Raises SpecError where a step reads, from ``mlspec.results``, a result that depends on it."""
    folders = {dvc.folder(step_id): step_id for step_id in graph.steps}
    files: dict[tuple[str, str], str] = {}
    for step in graph.steps.values():
        for name in step.files:
            if dvc.RESULTS in name:
                path = os.path.relpath(os.path.join(graph.facts.root, name), graph.facts.root)
                maker = folders.get("/".join(path.split(os.sep)[:2]))
                if maker is not None:
                    files.setdefault((maker, step.id), name)
    if files:
        from mlspec.graph.nx import nx

        whole = graph.digraph.copy()
        whole.add_edges_from(files)
        try:
            found = [source for source, _target in nx.find_cycle(whole)]
        except nx.NetworkXNoCycle:
            return graph
        raise _refused(graph, found, files)
    return graph


def _refused(graph: Graph, found: list[str], files: dict[tuple[str, str], str]) -> SpecError:
    """The error at the first step of the cycle that reads a file."""
    at = next(place for place, step_id in enumerate(found) if (found[place - 1], step_id) in files)
    found = found[at:] + found[: at + 1]
    reader, maker = graph.steps[found[0]], found[-2]
    document = graph.document
    return SpecError(
        [
            Diagnostic(
                code="cycle",
                message=f"'{reader.id}' reads a result that is made from it",
                span=None if document is None else document.span((*reader.path, "path")),
                label=f"'{files[maker, reader.id]}' is a result of '{maker}'",
                notes=(" -> ".join(found), "read a copy that is outside mlspec.results, or remove the source"),
            )
        ],
        {} if document is None else document.texts,
    )
