"""Whether each step fits a machine of the cluster that is to run it, or several where it takes several."""

from collections.abc import Container, Iterator, Sequence

from mlspec import formatting
from mlspec.diagnostics import Diagnostic, SpecError
from mlspec.document import Path
from mlspec.engine.backend import Capacity, Node, UnusableError
from mlspec.graph.graph import Graph
from mlspec.graph.kinds import KINDS
from mlspec.graph.step import Resources, Step
from mlspec.rules import rows_beyond_memory
from mlspec.rules.context import View

UNSAID = 1 << 20  # bytes that SLURM has for a node whose memory is not configured
MEASURED = "processor"  # in a step's environment: its result is about the processor of the machine that planned it


def asked(graph: Graph) -> dict[Resources, list[str]]:
    """What steps ask of a node, with the ids of those that ask for the same; without steps that are done where a run is
    started. ``memory`` is what the backend's settings say, 0 where they say nothing."""
    found: dict[Resources, list[str]] = {}
    for step in graph.steps.values():
        if not KINDS[step.kind].trivial and MEASURED not in step.environment:
            one = step.resources
            memory = graph.project.backend.memory or 0
            wanted = Resources(one.cpus // one.nodes, memory, one.gpus // one.nodes, one.nodes)
            found.setdefault(wanted, []).append(step.id)
    return found


def demand(graph: Graph, capacity: Capacity, done: Container[str]) -> None:
    """Raises SpecError where a step that is not done fits none of the nodes, or takes more of them than there are.

    Where the engine names no nodes, whatever takes one machine fits."""
    found: dict[Path, Diagnostic] = {}
    nodes = capacity.nodes
    kinds = "; ".join(sorted({text(node) for node in nodes}))
    for step in graph.steps.values():
        refusal = None if step.id in done else _refusal(graph, step, capacity)
        if refusal is not None:
            path, message = refusal
            span = None if graph.document is None else graph.document.span(path)
            notes = (f"the cluster has nodes with {kinds}",) if nodes else ()
            found.setdefault(path, Diagnostic(code="step-fits-no-node", message=message, span=span, notes=notes))
    for name, one in _beyond_memory(graph, capacity):
        if f"train.{name}" not in done:
            found.setdefault(("model", "candidates", name), one)
    if found:
        raise SpecError(found.values(), None if graph.document is None else graph.document.texts)


def _beyond_memory(graph: Graph, capacity: Capacity) -> Iterator[tuple[str, Diagnostic]]:
    """The candidates whose rows surely take more memory than any node has, where the spec doesn't say what they may."""
    said = [node.memory for node in capacity.nodes if node.memory > UNSAID]
    if (
        said
        and len(said) == len(capacity.nodes)
        and graph.project.backend.memory is None
        and graph.document is not None
    ):
        largest = max(said)
        view = View(project=graph.project, document=graph.document, facts=graph.facts)
        there = f"the largest node of the cluster has {formatting.size(largest)}"
        yield from rows_beyond_memory.beyond(view, largest, there)


def _refusal(graph: Graph, step: Step, capacity: Capacity) -> tuple[Path, str] | None:
    """The key that asks for what there is not, and that in words."""
    backend, several = graph.project.backend, step.resources.nodes
    if several > 1 and not capacity.spreads:
        message = f"the step '{step.id}' takes {several} nodes, but the engine '{backend.engine}' trains on one"
        return ("backend", "nodes"), message
    memory = max(step.resources.memory, backend.memory or 0)
    # The trials of a tuning run wherever there is room, each by itself.
    cpus = 1 if step.kind == "tune" and capacity.spreads else step.resources.cpus // several
    wanted = Resources(cpus, memory, step.resources.gpus // several)
    fitting = sum(node.count for node in capacity.nodes if fits(wanted, node))
    if not capacity.nodes or fitting >= several:
        return None
    if not fitting:
        message = f"the step '{step.id}' takes {text(wanted)}{' on each of its nodes' if several > 1 else ''}"
        return _to_blame(graph, wanted, capacity.nodes), f"{message}, and no node of the cluster has that"
    each = f"{several} nodes with {text(wanted)} each"
    return ("backend", "nodes"), f"the step '{step.id}' takes {each}, and the cluster has {fitting} of them"


def refused(graph: Graph, error: UnusableError) -> SpecError:
    """An error of an engine at the key that it is about."""
    document = graph.document
    span = None if document is None else document.span(("backend", error.key))
    found = Diagnostic(code="backend-not-servable", message=str(error), span=span, notes=(error.note,))
    return SpecError([found], None if document is None else document.texts)


def fits(wanted: Resources, node: Node) -> bool:
    """Whether a node has all that a step asks for."""
    return wanted.cpus <= node.cpus and wanted.gpus <= node.gpus and wanted.memory <= node.memory


def _to_blame(graph: Graph, wanted: Resources, nodes: Sequence[Node]) -> Path:
    """The key that asks for what there is not."""
    if wanted.memory > max(node.memory for node in nodes):
        return ("backend", "memory")
    if wanted.gpus and not any(node.gpus for node in nodes):
        return ("backend", "device")
    return ("backend", "processes") if graph.project.backend.processes != 1 else ("backend",)


def text(one: Resources | Node) -> str:
    """What is asked for, or there, in words."""
    return ", ".join(_parts(one))


def _parts(one: Resources | Node) -> Iterator[str]:
    yield f"{one.cpus} core{'s' if one.cpus != 1 else ''}"
    if one.memory:
        yield f"{formatting.size(one.memory)} of memory"
    if one.gpus or isinstance(one, Node):
        yield f"{one.gpus or 'no'} GPU{'s' if one.gpus != 1 else ''}"
