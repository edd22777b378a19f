"""A gate's bound can never be satisfied, is always satisfied, or is missing.

Why: a ROC AUC of at least 1.2 always fails, and one of at most 1.0 always passes, so neither says anything about the
model.

Instead: choose a bound inside the range of the metric, in the direction that matters.
"""

from collections.abc import Iterator
from typing import cast

from mlspec import registry
from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View
from mlspec.spec.constraints import QualityGate
from mlspec.spec.project import Goal


def check(view: View) -> Iterator[Diagnostic]:
    """Each gate's bounds, and each goal's, against the values that its metric can take, and its direction."""
    yield from _people(view)
    bounded: list[tuple[Path, QualityGate | Goal]] = []
    for index, gate in enumerate(view.project.constraints.quality):
        at: Path = ("constraints", "quality", index)
        if gate.at_least is None and gate.at_most is None and gate.beats is None:
            yield view.diagnostic("gate-out-of-bounds", at, "this gate has no bound", "add at_least, at_most or beats")
        else:
            bounded.append((at, gate))
    bounded += [(("project", "goals", index), goal) for index, goal in enumerate(view.project.project.goals)]
    for at, stated in bounded:
        if stated.metric is not None and registry.has("metrics", stated.metric):
            yield from _reachable(view, at, stated, stated.metric)


def _reachable(view: View, at: Path, gate: QualityGate | Goal, name: str) -> Iterator[Diagnostic]:
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
        yield view.diagnostic(
            "gate-out-of-bounds", (*at, wrong), message, f"did you mean '{other}'?", severity="warning", key=True
        )


def _people(view: View) -> Iterator[Diagnostic]:
    """Gates on fairness and abstention: a bound, and on the side that matters."""
    for index, gate in enumerate(view.project.constraints.fairness):
        at = ("constraints", "fairness", index)
        ratio = gate.metric.endswith("ratio")
        right, wrong = ("at_least", "at_most") if ratio else ("at_most", "at_least")
        if getattr(gate, wrong) is not None:
            what = "ratio" if ratio else "difference"
            message = f"a {'greater' if ratio else 'smaller'} {what} is fairer, but this gate requires the opposite"
            label = f"did you mean '{right}'?"
            yield view.diagnostic("gate-out-of-bounds", (*at, wrong), message, label, key=True)
        elif getattr(gate, right) is None:
            yield view.diagnostic("gate-out-of-bounds", at, "this gate has no bound", f"add {right}")
    abstention = view.project.constraints.abstention
    if abstention is not None and abstention.coverage_at_least is None and abstention.risk_at_most is None:
        label = "add coverage_at_least or risk_at_most"
        yield view.diagnostic("gate-out-of-bounds", ("constraints", "abstention"), "this gate has no bound", label)
