"""Parts of a goal contradict each other: a bound or a guardrail without a metric, or a direction that is not the
metric's.

Why: a goal is measured by its metric; without one, or in the wrong direction, it cannot be checked.

Instead: add the metric, and state the direction in which it is better, or remove the direction.
"""

from collections.abc import Iterator
from typing import cast

from mlspec import registry
from mlspec.diagnostics import Diagnostic, Hint
from mlspec.plugins.metric import Metric
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each goal by itself, and their names against each other."""
    names: set[str] = set()
    for index, goal in enumerate(view.project.project.goals):
        at = ("project", "goals", index)
        if goal.name in names:
            message = f"two goals are called '{goal.name}'"
            yield view.diagnostic("goal-does-not-fit", (*at, "name"), message, "give each a different name")
        names.add(goal.name)
        if goal.metric is None:
            for key in ("at_least", "at_most", "guardrail", "direction"):
                if getattr(goal, key):
                    message = f"the goal '{goal.name}' has '{key}', but no metric"
                    yield view.diagnostic("goal-does-not-fit", (*at, key), message, "add metric", key=True)
            continue
        if goal.tolerance and not goal.guardrail:
            message = f"the goal '{goal.name}' has a tolerance, but is not a guardrail"
            hint = Hint("add guardrail: true", ("true",), at=(*at, "guardrail"))
            yield view.diagnostic("goal-does-not-fit", (*at, "tolerance"), message, hint, key=True)
        if goal.direction is not None and registry.has("metrics", goal.metric):
            metric = cast(type[Metric], registry.plugin("metrics", goal.metric))
            own = "maximize" if metric.greater_is_better else "minimize"
            if goal.direction != own:
                message = f"a {'greater' if metric.greater_is_better else 'smaller'} '{goal.metric}' is better"
                yield view.diagnostic(
                    "goal-does-not-fit", (*at, "direction"), message, Hint(f"did you mean '{own}'?", (own,))
                )
