"""Which candidates share the time that they may take, and what searches get of it; the rest is shared among trainings
when they run."""

from typing import Any

from msgspec.structs import replace

from mlspec.plugins.base import PluginRef
from mlspec.plugins.model import Model
from mlspec.spec import Project
from mlspec.spec.model import SPARE
from mlspec.spec.tuning import Tuning

SEARCHES = 0.5
TRIALS = 1000


def with_spare(project: Project) -> Project:
    """The project with the candidates that ``model.spare`` adds; those that the spec names itself stay as they are."""
    if project.model.spare == "none":
        return project
    own = project.model.candidates
    more = {name: use for name, use in _further().items() if name not in own}
    return replace(project, model=replace(project.model, candidates={**own, **more}))


def spare(project: Project) -> frozenset[str]:
    """The candidates that are trained in what the others leave of the time."""
    if project.model.spare == "none":
        return frozenset()
    return frozenset(name for name, use in _further().items() if project.model.candidates.get(name) == use)


def _further() -> dict[str, PluginRef]:
    from mlspec import registry

    found = {}
    for name, about in SPARE.items():
        settings: dict[str, Any] = {key: value for key, value in about.items() if key != "type"}
        kind: Any = registry.plugin("models", about["type"])
        found[name] = PluginRef(about["type"], kind(**settings))
    return found


def shared(project: Project) -> Project:
    """The project with half of ``model.time`` given to the searches that state no time.

    Where nothing is tuned and there is one candidate, its settings are searched for if it is quick to train: several
    candidates gain more from the time by being trained. What a spec states itself stays as it is.
    """
    time = project.model.time
    if time is None:
        return project
    tuning = dict(project.tuning)
    if not tuning and len(project.model.candidates) == 1:
        tuning = {name: Tuning(trials=TRIALS) for name, use in project.model.candidates.items() if _is_quick(use)}
    open_ended = [name for name, wanted in tuning.items() if wanted.time is None]
    for name in open_ended:
        tuning[name] = replace(tuning[name], time=SEARCHES * time / len(open_ended))
    return replace(project, tuning=tuning)


def _is_quick(use: PluginRef) -> bool:
    return isinstance(use.plugin, Model) and bool(use.plugin.space) and not use.plugin.pausable
