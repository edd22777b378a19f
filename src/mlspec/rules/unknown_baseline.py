"""A gate beats a baseline that is not there, or a baseline does not fit the task.

Why: a comparison needs both sides.

Instead: list the baseline under `evaluation.baselines`, or write `beats: baseline` for all that are listed.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View

FITS = {
    "majority": ("binary_classification", "multiclass_classification"),
    "mean": ("regression",),
    "median": ("regression",),
}


def check(view: View) -> Iterator[Diagnostic]:
    """Gates against the listed baselines, and these against the task."""
    listed, task = view.project.evaluation.baselines, view.project.project.task
    for index, gate in enumerate(view.project.constraints.quality):
        if gate.beats is None or listed is None:
            continue
        path: Path = ("constraints", "quality", index, "beats")
        if gate.beats != "baseline" and gate.beats not in listed:
            from mlspec.spec import suggest

            label = suggest.label(gate.beats, ("baseline", *listed))
            yield view.diagnostic("unknown-baseline", path, f"there is no baseline '{gate.beats}'", label)
        elif not listed:
            message = "there is no baseline to beat, evaluation.baselines is empty"
            yield view.diagnostic("unknown-baseline", path, message, "list one under evaluation.baselines")
    for place, name in enumerate(listed or ()):
        if task is not None and task not in FITS[name]:
            path = ("evaluation", "baselines", place)
            label = ", ".join(n for n, tasks in FITS.items() if task in tasks)
            yield view.diagnostic("unknown-baseline", path, f"baseline '{name}' is not for {task}", f"one of {label}")
