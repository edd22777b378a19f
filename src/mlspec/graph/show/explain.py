"""One step explained: what it reads, what its fingerprint is made of, what it gives, who waits for it."""

from collections.abc import Iterator, Mapping

from mlspec.diagnostics import printable
from mlspec.graph import fingerprint as fp
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan, PlannedStep
from mlspec.graph.show.text import duration, few, needs, param, path
from mlspec.graph.step import Resources, Step
from mlspec.plugins.base import Schema


def explain(graph: Graph, step_id: str, plan: Plan | None = None) -> str:
    """The text about one step, found under its own id or that of an equal step.

    Raises KeyError when there is none.
    """
    step = graph.find(step_id)
    if step is None:
        raise KeyError(step_id)
    planned = None if plan is None else plan.steps[step.id]
    return "\n".join(printable(line) for line in _lines(graph, step, planned, plan)) + "\n"


def _lines(graph: Graph, step: Step, planned: PlannedStep | None, plan: Plan | None) -> Iterator[str]:
    yield f"{step.id} ({step.kind})"
    if step.also:
        yield f"  same as {', '.join(step.also)}: run once"
    if step.path:
        span = graph.document.span(step.path) if graph.document is not None else None
        where = f" ({span.file}:{span.line}:{span.column})" if span is not None else ""
        yield f"  made by {path(step.path)}{printable(where)}"
    if planned is not None:
        took = "" if planned.seconds is None else f" (took {duration(planned.seconds)} last time)"
        yield f"  {planned.action}{took}" + (":" if planned.reasons else "")
        for reason in few(planned.reasons):
            yield f"    {reason}"
    if step.resources != Resources():
        yield f"  takes {needs(step.resources)}"
    yield ""
    yield "reads"
    if not step.inputs and not step.files:
        yield "  nothing"
    for name, digest in step.files.items():
        yield f"  file {printable(name)}  {digest[:12]}"
    for name, read in step.inputs.items():
        yield f"  {name}: {read.output} of {read.step}  {_known(plan, read.step, read.output)}".rstrip()
    yield ""
    yield "fingerprint"
    key = None if planned is None else planned.fingerprint
    yield f"  {key or 'waits for the content of its inputs'}"
    yield f"  identity     {fp.identity(step)}"
    for label, versions in (("code", step.code), ("environment", step.environment)):
        yield from _pairs(label, versions)
    yield "  params" + ("" if step.params else "       none")
    for name, item in step.params.items():
        yield from param("    ", name, item)
    yield ""
    yield "gives"
    for output in step.outputs:
        columns = step.schemas.get(output)
        yield f"  {output}" + ("" if columns is None else f": a table of {len(columns)} columns")
        if columns is not None:
            yield from _columns(columns)
    after = graph.descendants(step.id)
    yield ""
    yield "followed by"
    yield f"  {', '.join(other for other in graph.steps if other in after) or 'nothing'}"


def _pairs(label: str, versions: Mapping[str, str]) -> Iterator[str]:
    text = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield f"  {label:<12} {printable(text) or 'none'}"


def _known(plan: Plan | None, step_id: str, output: str) -> str:
    outputs = None if plan is None else plan.steps[step_id].outputs
    return "" if outputs is None else outputs[output][:12]


def _columns(columns: Schema) -> Iterator[str]:
    names = [printable(column.name) for column in columns]
    width = min(40, max((len(name) for name in names), default=0))
    for name, column in zip(names, columns, strict=True):
        levels = "" if column.levels is None else f", {column.levels} levels"
        wide = (
            ""
            if column.width == 1
            else ", width known after fitting"
            if column.width is None
            else f", {column.width} wide"
        )
        yield f"    {name:<{width}}  {column.type} ({column.role}{levels}{wide})"
