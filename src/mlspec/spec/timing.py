"""Shares the time that candidates may take among searches and trainings."""

from typing import Any

from msgspec.structs import replace

from mlspec.plugins.base import PluginRef
from mlspec.plugins.model import Model
from mlspec.spec import Project
from mlspec.spec.tuning import Tuning

SEARCHES, NETWORKS = 0.5, 0.4
TRIALS = 1000


def shared(project: Project) -> Project:
    """The project with ``model.time`` shared out: half to the searches that state no time, two fifths to the networks.

    Where nothing is tuned, the settings of the first candidate that is quick to train and has a space of its own are
    searched for. What a spec states itself stays as it is.
    """
    time = project.model.time
    if time is None:
        return project
    tuning, candidates = dict(project.tuning), dict(project.model.candidates)
    if not tuning:
        first = next((name for name, use in candidates.items() if _is_quick(use)), None)
        if first is not None:
            tuning[first] = Tuning(trials=TRIALS)
    open_ended = [name for name, wanted in tuning.items() if wanted.time is None]
    for name in open_ended:
        tuning[name] = replace(tuning[name], time=SEARCHES * time / len(open_ended))
    networks = [name for name, use in candidates.items() if getattr(use.plugin, "time", 0.0) is None]
    for name in networks:
        plugin: Any = candidates[name].plugin
        candidates[name] = PluginRef(candidates[name].name, replace(plugin, time=NETWORKS * time / len(networks)))
    return replace(project, tuning=tuning, model=replace(project.model, candidates=candidates))


def _is_quick(use: PluginRef) -> bool:
    return isinstance(use.plugin, Model) and bool(use.plugin.space) and not use.plugin.pausable
