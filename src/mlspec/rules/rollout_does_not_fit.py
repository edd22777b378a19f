"""The rollout can't be judged as it is stated.

Why: a trial without a bound that decides would end in a promotion whatever the candidate does; one on quality without
labels would never end.

Instead: state `shadow`, `canary` or both, and under `operation.monitor` the bounds that `guard` names; `quality` needs
a metric with labels, for an estimate never passes.
"""

from collections.abc import Iterator

from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.rules.context import View
from mlspec.spec.operation.monitor import Monitor

CODE = "rollout-does-not-fit"
AT: Path = ("operation", "rollout")


def check(view: View) -> Iterator[Diagnostic]:
    """``operation.rollout`` against monitoring, labels and the log."""
    operation = view.project.operation
    rollout = None if operation is None else operation.rollout
    if operation is None or rollout is None:
        return
    if rollout.shadow is None and rollout.canary is None:
        yield view.diagnostic(CODE, AT, "the rollout has no trial", "add shadow or canary", key=True)
    monitor = Monitor() if operation.monitor is None else operation.monitor
    lacking = {
        "quality": not any(not bound.estimated for bound in monitor.quality),
        "service": monitor.service is None or monitor.service == type(monitor.service)(),
        "fairness": not monitor.fairness,
    }
    for index, guard in enumerate(rollout.guard):
        at: Path = (*AT, "guard", index)
        if guard in rollout.guard[:index]:
            yield view.diagnostic(CODE, at, f"'{guard}' is named twice", "delete one")
        elif lacking[guard]:
            what = "a metric with labels" if guard == "quality" else "a bound"
            message = f"nothing decides '{guard}': operation.monitor.{guard} has no {what.partition(' ')[2]}"
            yield view.diagnostic(CODE, at, message, f"add {what} to operation.monitor.{guard}")
        elif guard == "quality" and operation.labels is None:
            message = "'quality' needs the true outcomes, or the rollout never ends"
            yield view.diagnostic(CODE, at, message, "add operation.labels")
    target = view.project.data.columns.target
    if rollout.canary is not None and rollout.canary.key == target:
        message = f"'{target}' is the target, which no request has"
        yield view.diagnostic(CODE, (*AT, "canary", "key"), message, "name a column that requests have")
