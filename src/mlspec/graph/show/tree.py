"""The plan as a tree for a terminal: what leads to what, what would run, and why."""

from collections.abc import Iterator, Mapping

from mlspec.diagnostics import printable
from mlspec.graph.graph import Graph
from mlspec.graph.plan import Plan, PlannedStep
from mlspec.graph.show.bounds import bounds
from mlspec.graph.show.text import WAITS, duration, few, names, summary
from mlspec.graph.step import Step

COLORS = {"cached": "32", "runs": "1;33", "may run": "36"}
DIM = "2"
ROOT = ""  # no step has this id


def tree(plan: Plan, *, color: bool = False) -> str:
    """The steps, each under the last one that all of it waits for, and a summary line.

    A step that reads several branches hangs where they part, and names them; parts of a step are not listed.
    """
    whole, plan = plan, plan.folded
    parents = _parents(plan.graph)
    children: dict[str | None, list[str]] = {}
    for step_id, parent in parents.items():
        children.setdefault(parent, []).append(step_id)
    rows = [(drawn + printable(step_id), step_id) for drawn, step_id in _walk(children)]
    width = max((len(label) for label, _step_id in rows), default=0)
    times = {step_id: _time(planned) for step_id, planned in plan.steps.items()}
    room = max((len(time) for time in times.values()), default=0)
    lines = []
    for label, step_id in rows:
        planned = plan.steps[step_id]
        action = _paint(f"{planned.action:<7}", COLORS[planned.action], color)
        notes = printable("; ".join(_notes(plan.graph, plan.graph.steps[step_id], planned, _above(step_id, parents))))
        time = [f"{times[step_id]:>{room}}"] if room else []
        lines.append("  ".join([f"{label:<{width}}", action, *time, _paint(notes, DIM, color)]).rstrip())
    return "\n".join([*lines, "", summary(plan), *bounds(whole)]) + "\n"


def _parents(graph: Graph) -> dict[str, str | None]:
    """The step that each one hangs under: the last one through which all that it waits for leads to it."""
    from mlspec.graph.nx import nx

    rooted = graph.reduced.copy()
    rooted.add_edges_from([(ROOT, step_id) for step_id, reads in graph.reduced.in_degree if not reads])
    parents = nx.immediate_dominators(rooted, ROOT) if graph.steps else {}
    return {step_id: None if parents[step_id] == ROOT else parents[step_id] for step_id in graph.steps}


def _above(step_id: str, parents: Mapping[str, str | None]) -> set[str]:
    """The steps that a step hangs under, however far."""
    found: set[str] = set()
    at = parents[step_id]
    while at is not None:
        found.add(at)
        at = parents[at]
    return found


def _walk(children: Mapping[str | None, list[str]]) -> Iterator[tuple[str, str]]:
    """The steps in reading order, each with what is drawn before it. No recursion: a chain may be long."""
    stack = [("", "", step_id) for step_id in reversed(children.get(None, []))]
    while stack:
        drawn, below, step_id = stack.pop()
        yield drawn, step_id
        inner = children.get(step_id, [])
        for index, child in enumerate(reversed(inner)):
            last = index == 0
            stack.append((below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "), child))


def _time(planned: PlannedStep) -> str:
    if planned.action == "cached":
        return ""
    return "time unknown" if planned.seconds is None else duration(planned.seconds)


def _notes(graph: Graph, step: Step, planned: PlannedStep, above: set[str]) -> Iterator[str]:
    # What a step hangs under is what it waits for: saying so again would drown the other reasons.
    message = [reason for reason in planned.reasons if reason.removeprefix(WAITS) not in above]
    yield from few(message or planned.reasons)
    elsewhere = [read for read in graph.reduced.predecessors(step.id) if read not in above]
    if planned.action == "cached" and elsewhere:
        yield f"reads {names(elsewhere)}"
    if step.also:
        yield f"same as {names(step.also)}"


def _paint(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text
