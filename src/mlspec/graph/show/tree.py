"""The plan as a tree for a terminal: what leads to what, what would run, and why."""

from collections.abc import Iterator, Mapping

from mlspec.diagnostics import printable
from mlspec.graph.plan import Plan, PlannedStep
from mlspec.graph.show.bounds import bounds
from mlspec.graph.show.text import WAITS, duration, few, names, summary
from mlspec.graph.step import Step

COLORS = {"cached": "32", "runs": "1;33", "may run": "36"}
DIM = "2"


def tree(plan: Plan, *, color: bool = False) -> str:
    """The steps, each under the last one that all of it waits for, and a summary line.

    A step that reads several branches hangs where they part, and names them.
    """
    parents = _parents(plan.graph.steps)
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
        notes = printable("; ".join(_notes(plan.graph.steps[step_id], planned, _above(step_id, parents))))
        time = [f"{times[step_id]:>{room}}"] if room else []
        lines.append("  ".join([f"{label:<{width}}", action, *time, _paint(notes, DIM, color)]).rstrip())
    return "\n".join([*lines, "", summary(plan), *bounds(plan)]) + "\n"


def _parents(steps: Mapping[str, Step]) -> dict[str, str | None]:
    """The step that each one hangs under: the deepest that it reads if all else it reads stands above that one, else
    the last step that stands above everything it reads."""
    parents: dict[str, str | None] = {}
    depths: dict[str | None, int] = {None: 0}
    for step_id, step in steps.items():
        reads = sorted({read.step for read in step.inputs.values()}, key=lambda read: (-depths[read], read))
        parent = reads[0] if reads else None
        for read in reads[1:]:
            parent = _join(parent, read, parents, depths)
        parents[step_id] = parent
        depths[step_id] = depths[parent] + 1
    return parents


def _join(
    at: str | None, other: str | None, parents: Mapping[str, str | None], depths: Mapping[str | None, int]
) -> str | None:
    """``at`` if the other step stands above or below it, else the last step above both."""
    one = at
    while depths[one] > depths[other]:
        one = parents[one] if one is not None else None
    while depths[other] > depths[one]:
        other = parents[other] if other is not None else None
    if one == other:
        return at
    while one != other:
        one = parents[one] if one is not None else None
        other = parents[other] if other is not None else None
    return one


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


def _notes(step: Step, planned: PlannedStep, above: set[str]) -> Iterator[str]:
    # What a step hangs under is what it waits for: saying so again would drown the other reasons.
    told = [reason for reason in planned.reasons if reason.removeprefix(WAITS) not in above]
    yield from few(told or planned.reasons)
    elsewhere = [read for read in dict.fromkeys(read.step for read in step.inputs.values()) if read not in above]
    if planned.action == "cached" and elsewhere:
        yield f"reads {names(elsewhere)}"
    if step.also:
        yield f"also stands for {names(step.also)}"


def _paint(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color and text else text
