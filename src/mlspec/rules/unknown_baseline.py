"""A gate uses an unknown baseline, or a baseline does not apply to the task or has no settings.

Why: a comparison needs both sides.

Instead: add the baseline under `evaluation.baselines`, or write `beats: baseline` for all listed ones. With
`model.personalization`, `beats: global` compares the personalized model with the shared model.
"""

from collections.abc import Iterator

from mlspec import registry
from mlspec.constraints.quality import Quality
from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.baseline import Baseline
from mlspec.rules.context import View
from mlspec.spec.personalization import GLOBAL


def check(view: View) -> Iterator[Diagnostic]:
    """Gates against the listed baselines, and these against the task and themselves."""
    listed, task = view.project.evaluation.baselines, view.project.project.task
    yield from _gates(view)
    seen: set[str] = set()
    for place, use in enumerate(listed or ()):
        path: Path = ("evaluation", "baselines", place)
        assert isinstance(use.plugin, Baseline)
        if task is not None and task not in use.plugin.tasks:
            fits = [
                name for name, cls in registry.usable("baselines") if issubclass(cls, Baseline) and task in cls.tasks
            ]
            message = f"baseline '{use.name}' does not apply to {task}"
            yield view.diagnostic("unknown-baseline", path, message, f"one of {', '.join(fits)}")
        if use.name in seen:
            message = f"baseline '{use.name}' is listed twice"
            yield view.diagnostic("unknown-baseline", path, message, "results are stored by its name: delete one")
        seen.add(use.name)
        message, _, label = use.plugin.mistake().partition(": ")
        if message:
            yield view.diagnostic("unknown-baseline", path, message, label)


def _gates(view: View) -> Iterator[Diagnostic]:
    listed = view.project.evaluation.baselines
    names = [use.name for use in listed or ()]
    apart = [GLOBAL] if view.project.model.personal is not None else []
    for at, gate in view.project.constraints.each(Quality):
        if gate.beats is None or listed is None:
            continue
        path = (*at, "beats")
        if gate.beats != "baseline" and gate.beats not in (*names, *apart):
            from mlspec.spec import suggest

            label = suggest.label(gate.beats, ("baseline", *names, *apart))
            yield view.diagnostic("unknown-baseline", path, f"there is no baseline '{gate.beats}'", label)
        elif not names and gate.beats not in apart:
            message = "there is no baseline to beat, because evaluation.baselines is empty"
            yield view.diagnostic("unknown-baseline", path, message, "add one under evaluation.baselines")
        for use in listed:
            measured = getattr(use.plugin, "metric", gate.metric)
            if gate.beats == use.name and measured != gate.metric:
                message = f"people were measured by {measured}, not by {gate.metric}"
                yield view.diagnostic("unknown-baseline", path, message, "compare with another baseline")
