"""What is to be monitored contradicts the rest of the spec, or can never be judged.

Why: a bound in service that nothing can measure would stay unknown for as long as the model is used.

Instead: the message says what is missing. Quality and fairness in service need `operation.labels`; a metric can be
estimated without labels only from probabilities of classes; `fairness` uses the bounds of `constraints.fairness`.
"""

from collections.abc import Iterator

from mlspec.constraints.fairness import Fairness
from mlspec.constraints.latency import Latency
from mlspec.diagnostics import Diagnostic
from mlspec.document import Path
from mlspec.plugins.verdict import seconds
from mlspec.rules.context import View
from mlspec.spec.operation import Operation, monitored
from mlspec.spec.operation.monitor import Monitor

CODE = "monitor-does-not-fit"
AT: Path = ("operation", "monitor")
TOO_MANY = "state each metric once with labels and once estimated"


def check(view: View) -> Iterator[Diagnostic]:
    """``operation.monitor`` and ``operation.retrain`` against labels, constraints and the task."""
    operation = view.project.operation
    if operation is None:
        return
    if operation.monitor is not None:
        yield from _monitor(view, operation, operation.monitor)
    if operation.retrain is not None:
        yield from _retrain(view, operation)


def _monitor(view: View, operation: Operation, wanted: Monitor) -> Iterator[Diagnostic]:
    if not list(monitored(operation)):
        label = "add drift, service, quality or fairness"
        yield view.diagnostic(CODE, AT, "there is nothing to monitor", label, key=True)
    seen = set()
    for index, bound in enumerate(wanted.quality):
        at: Path = (*AT, "quality", index)
        if bound.at_least is None and bound.at_most is None:
            yield view.diagnostic(CODE, at, "this bound on quality is empty", "add at_least or at_most")
        if (bound.metric, bound.estimated) in seen:
            yield view.diagnostic(CODE, at, f"'{bound.metric}' is monitored twice", TOO_MANY)
        seen.add((bound.metric, bound.estimated))
        if bound.estimated and view.project.project.task == "regression":
            message = f"'{bound.metric}' can't be estimated: a regression states no probabilities"
            yield view.diagnostic(CODE, (*at, "estimated"), message, "add labels instead")
        if not bound.estimated and operation.labels is None:
            message = f"'{bound.metric}' in service needs the true outcomes"
            yield view.diagnostic(CODE, at, message, "add operation.labels, or estimated: true")
    fairness = [one for _, _, one in view.project.constraints.stated() if isinstance(one, Fairness)]
    if wanted.fairness and not fairness:
        message = "there are no bounds of fairness to monitor"
        yield view.diagnostic(CODE, (*AT, "fairness"), message, "add constraints.fairness")
    for one in fairness if wanted.fairness and operation.labels is None else ():
        if not one.metric.startswith("demographic_parity"):
            message = f"'{one.metric}' in service needs the true outcomes"
            yield view.diagnostic(CODE, (*AT, "fairness"), message, "add operation.labels")
    latency, service = view.project.constraints.one(Latency), wanted.service
    allowed = None if latency is None else latency.p99
    asked = None if service is None else service.p99
    if asked is not None and allowed is not None and asked < allowed:
        message = f"a request may take {seconds(asked)} in service, but the model alone {seconds(allowed)}"
        yield view.diagnostic(CODE, (*AT, "service", "p99"), message, "change constraints.latency.p99 or this")


def _retrain(view: View, operation: Operation) -> Iterator[Diagnostic]:
    assert operation.retrain is not None
    when, at = operation.retrain.when, ("operation", "retrain", "when")
    judged = operation.monitor is not None and any(not bound.estimated for bound in operation.monitor.quality)
    if operation.monitor is None:
        message = "operation.monitor is missing: the exported model has no sketch for `mlspec retrain --check`"
        yield view.diagnostic(CODE, ("operation", "retrain"), message, "add operation.monitor", key=True)
    if not (when.quality or when.drift) and when.age is None and when.labels is None:
        yield view.diagnostic(CODE, at, "there is no reason to train again", "add quality, age or labels", key=True)
    if when.quality and not judged:
        message = "no metric is monitored with labels"
        yield view.diagnostic(CODE, (*at, "quality"), message, "add one to operation.monitor.quality")
    if when.labels is not None and operation.labels is None:
        yield view.diagnostic(CODE, (*at, "labels"), "there are no labels to count", "add operation.labels")
