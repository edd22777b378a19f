"""A gate or the selection uses a metric that is not computed.

Why: a gate without a measurement can never pass.

Instead: add the metric to `evaluation.metrics`, or correct its name.
"""

from collections.abc import Iterator

from mlspec import registry
from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View
from mlspec.spec.operation import metrics

USERS = {"project": "goal", "operation": "monitor"}


def check(view: View) -> Iterator[Diagnostic]:
    """Gates against the list of metrics, and all names against what exists."""
    from mlspec.spec import suggest

    computed = [use.name for use in view.project.evaluation.metrics or ()]
    places: list[tuple[Path, str, bool]] = [
        ((*path, *place), name, True)
        for path, _, constraint in view.project.constraints.stated()
        for place, name in constraint.metrics().items()
    ]
    places += [
        (("project", "goals", i, "metric"), goal.metric, True)
        for i, goal in enumerate(view.project.project.goals)
        if goal.metric is not None
    ]
    places += [(path, name, True) for path, name in metrics(view.project.operation)]
    stated = view.document.node(("model", "select", "metric")) is not None
    if view.project.model.select.metric is not None and stated:
        places.append((("model", "select", "metric"), view.project.model.select.metric, False))
    for path, name, gate in places:
        if not registry.has("metrics", name):
            label = suggest.label(name, registry.names("metrics"))
            yield view.diagnostic("gate-on-uncomputed-metric", path, f"there is no metric '{name}'", label)
        elif gate and view.project.evaluation.metrics is not None and name not in computed:
            note = f"evaluation.metrics computes {', '.join(computed)}"
            message = f"the {USERS.get(str(path[0]), 'gate')} uses '{name}', which is not computed"
            yield view.diagnostic("gate-on-uncomputed-metric", path, message, "add it to evaluation.metrics", note)
