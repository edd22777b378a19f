"""Shares the time that candidates may take among searches; what is left is shared among trainings when they run."""

from msgspec.structs import replace

from mlspec.plugins.base import PluginRef
from mlspec.plugins.model import Model
from mlspec.spec import Project
from mlspec.spec.tuning import Tuning

SEARCHES = 0.5
TRIALS = 1000


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
