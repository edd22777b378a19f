"""A candidate does not support the task.

Why: a classifier does not predict numbers, and a regressor does not predict classes.

Instead: choose a model for the task; the message lists them.
"""

from collections.abc import Iterator
from typing import cast

from mlspec import registry
from mlspec.diagnostics import Diagnostic
from mlspec.plugins.model import Model
from mlspec.rules.context import View


def check(view: View) -> Iterator[Diagnostic]:
    """Each candidate."""
    task = view.project.project.task
    for name, use in view.project.model.candidates.items():
        assert isinstance(use.plugin, Model)
        if task is not None and task not in use.plugin.tasks:
            fits = [n for n, cls in registry.usable("models") if task in cast(type[Model], cls).tasks]
            path = ("model", "candidates", name, "type")
            message = f"model '{use.name}' does not support {task}"
            yield view.diagnostic("model-does-not-fit-task", path, message, f"use one of {', '.join(fits)}")
