"""No value satisfies both bounds on a metric.

Why: no model can pass, so every run would fail.

Instead: correct one of the bounds.
"""

from collections.abc import Iterator

from mlspec.constraints.quality import Quality
from mlspec.diagnostics import Diagnostic, Label
from mlspec.document import Path
from mlspec.rules.context import View
from mlspec.spec.project import Goal


def check(view: View) -> Iterator[Diagnostic]:
    """The highest lower bound against the lowest upper bound of each metric."""
    lower: dict[str, tuple[float, Path]] = {}
    upper: dict[str, tuple[float, Path]] = {}
    for at, gate in _bounded(view):
        assert gate.metric is not None
        if gate.at_least is not None and gate.at_least > lower.get(gate.metric, (float("-inf"), at))[0]:
            lower[gate.metric] = (gate.at_least, (*at, "at_least"))
        if gate.at_most is not None and gate.at_most < upper.get(gate.metric, (float("inf"), at))[0]:
            upper[gate.metric] = (gate.at_most, (*at, "at_most"))
    for metric in lower.keys() & upper.keys():
        (low, low_at), (high, high_at) = lower[metric], upper[metric]
        if low > high:
            yield Diagnostic(
                code="contradictory-gates",
                message=f"'{metric}' cannot be both at least {low:g} and at most {high:g}",
                span=view.document.span(high_at),
                label="no value satisfies both",
                also=(Label(view.document.span(low_at), "the other bound"),),
            )


def _bounded(view: View) -> Iterator[tuple[Path, Quality | Goal]]:
    """Gates and goals on metrics, each with its place."""
    yield from view.project.constraints.each(Quality)
    for index, goal in enumerate(view.project.project.goals):
        if goal.metric is not None:
            yield ("project", "goals", index), goal
