"""Endings that come from other processes and nodes, as those of a task."""

from msgspec.structs import replace

from mlspec.engine.backend import Ending, Failed, Finished, Task


def checked(task: Task, ending: Ending) -> Ending:
    """An ending of a task, as this task's; a result of another one, or without its outputs, is a failure."""
    if isinstance(ending, Finished):
        action = ending.action
        if action.fingerprint != task.fingerprint or not set(task.outputs) <= action.outputs.keys():
            return Failed(task.step, "its report names the result of another step")
    return replace(ending, step=task.step)
