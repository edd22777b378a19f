"""A gate's bound can never be satisfied, is always satisfied, or is missing.

Why: a ROC AUC of at least 1.2 always fails, and one of at most 1.0 always passes, so neither says anything about the
model.

Instead: choose a bound inside the range of the metric, in the direction that matters.
"""

from collections.abc import Iterator
from typing import cast

from mlspec import registry
from mlspec.constraints.quality import Quality
from mlspec.diagnostics import Diagnostic, Hint
from mlspec.document import Path
from mlspec.rules.context import View
from mlspec.spec import requirements
from mlspec.spec.project import Goal


def check(view: View) -> Iterator[Diagnostic]:
    """What constraints find wrong with themselves; bounds on metrics, of gates and goals, against what these can be."""
    context = requirements.context(view.project)
    for at, _, constraint in view.project.constraints.stated():
        for wrong in constraint.mistakes(context):
            yield view.diagnostic(wrong.code, (*at, *wrong.at), wrong.message, wrong.label, key=wrong.key)
    bounded: list[tuple[Path, Quality | Goal]] = [*view.project.constraints.each(Quality)]
    bounded += [(("project", "goals", index), goal) for index, goal in enumerate(view.project.project.goals)]
    for at, stated in bounded:
        if stated.metric is not None and registry.has("metrics", stated.metric):
            yield from _reachable(view, at, stated, stated.metric)


def _reachable(view: View, at: Path, gate: Quality | Goal, name: str) -> Iterator[Diagnostic]:
    """Bounds on a metric that it can cross, on the side that matters."""
    from mlspec.plugins.metric import Metric

    metric = cast(type[Metric], registry.plugin("metrics", name))
    low, high = metric.bounds
    said = f"'{name}' is always between {low:g} and {high:g}"
    for key in ("at_least", "at_most"):
        bound = getattr(gate, key)
        if bound is not None and not low <= bound <= high:
            yield view.diagnostic(
                "gate-out-of-bounds",
                (*at, key),
                f"no value can satisfy the bound {bound:g}: {said}",
                "choose a bound inside this range",
            )
    wrong = "at_most" if metric.greater_is_better else "at_least"
    if getattr(gate, wrong) is not None:
        better = "greater" if metric.greater_is_better else "smaller"
        message = f"a {better} '{name}' is better, but this gate requires the opposite"
        other = "at_least" if wrong == "at_most" else "at_most"
        label = Hint(f"did you mean '{other}'?", (other,))
        yield view.diagnostic("gate-out-of-bounds", (*at, wrong), message, label, severity="warning", key=True)
