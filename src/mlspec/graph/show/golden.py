"""A compiled graph as readable text, to be kept beside a spec and compared in reviews: no digests, no versions."""

from collections.abc import Iterator

from mlspec.diagnostics import printable
from mlspec.graph.graph import Graph
from mlspec.graph.show.text import param
from mlspec.graph.step import Step


def as_text(graph: Graph) -> str:
    """Each step with its kind, inputs, params and tables. The same project always gives the same text."""
    return "\n".join("\n".join(_step(step)) + "\n" for step in graph.steps.values())


def _step(step: Step) -> Iterator[str]:
    yield f"{step.id} ({step.kind})"
    if step.also:
        yield f"  also: {', '.join(step.also)}"
    for name, read in step.inputs.items():
        yield f"  reads {name}: {read.step}.{read.output}"
    for name, item in step.params.items():
        yield from param("  ", name, item)
    by_text: dict[str, list[str]] = {}
    for output in step.outputs:
        columns = step.schemas.get(output)
        text = "" if columns is None else ": " + ", ".join(f"{column.name} {column.type}" for column in columns)
        by_text.setdefault(printable(text), []).append(output)
    for text, outputs in by_text.items():
        yield f"  gives {', '.join(outputs)}{text}"
