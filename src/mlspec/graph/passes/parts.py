"""Parts of the work on sources that are read by parts. It runs after the merge, so that each preparation is divided
once, and before those that describe steps; without it the graph is what it is for the same source in one piece."""

from collections.abc import Iterator, Mapping

from mlspec.graph.divided import expecting, fitting, reading, splitting
from mlspec.graph.divided.steps import Tables
from mlspec.graph.graph import Graph
from mlspec.graph.step import Step


def parts(graph: Graph) -> Graph:
    """Divides ``source``, ``combine``, ``expect``, ``split``, ``fold`` and ``prepare`` into a step for each file, named
    ``STEP.part.NUMBER``, and has ``refit`` prepare its rows in such steps.

    The step itself then gathers their results; ``fit`` steps (``STEP.round.NUMBER``) merge what parts have measured.
    """
    by_parts = [step for step in graph.steps.values() if step.kind == "source" and "parts" in step.params]
    divided = {step.id: files for step in by_parts if (files := reading.files(graph, step))}
    if not divided:
        return graph
    tables: Tables = {}
    made: dict[str, Step] = {}
    for step in graph.steps.values():
        for one in _of(step, divided, tables):
            made[one.id] = one
    return graph.replace(made)


def _of(step: Step, files: Mapping[str, list[str]], tables: Tables) -> Iterator[Step]:
    read = {name: source.step for name, source in step.inputs.items()}
    match step.kind:
        case "source" if step.id in files:
            yield from reading.source(step, files[step.id], tables)
        case "combine" if read["table"] in tables:
            yield from reading.combine(step, tables)
        case "expect" if not tables.keys().isdisjoint(read.values()):
            yield from expecting.expect(step, tables)
        case "split" if not tables.keys().isdisjoint(read.values()):
            yield from splitting.split(step, tables)
        case "fold" if read["train"] in tables:
            yield from splitting.fold(step, tables)
        case "prepare" if read["train"] in tables:
            yield from fitting.prepare(step, tables)
        case "refit" if read["train"] in tables:
            yield from fitting.refit(step, tables)
        case _:
            yield step
