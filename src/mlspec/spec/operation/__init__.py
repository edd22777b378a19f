"""The ``operation`` key: what happens to a model after a run, one module for each part."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct

from mlspec.document import Path
from mlspec.spec.operation.labels import Labels
from mlspec.spec.operation.log import Log
from mlspec.spec.operation.monitor import Monitor
from mlspec.spec.operation.release import Release
from mlspec.spec.operation.retrain import Retrain
from mlspec.spec.operation.rollout import Rollout
from mlspec.spec.operation.serve import Serve

DRIFT = {
    "psi": "PSI of each column",
    "prediction": "PSI of the answers",
    "missing": "rise of each column's missing share",
    "unseen": "share of unseen categories",
    "out_of_range": "share of numbers out of range",
}


class Operation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run is released and served, what must hold of its model in service, and when it is trained again."""

    release: Annotated[Release | None, Meta(description="How a run is released.")] = None
    serve: Annotated[Serve | None, Meta(description="What `mlspec serve` accepts.")] = None
    log: Annotated[
        Log | None, Meta(description="The log of requests that `mlspec serve` writes where it is given a folder.")
    ] = None
    labels: Annotated[
        Labels | None, Meta(description="Where the true outcomes of served predictions come from, and when.")
    ] = None
    monitor: Annotated[
        Monitor | None,
        Meta(
            description="What `mlspec monitor` judges of the request log; the exported model then contains a sketch of "
            "the test rows (`reference.json`) to compare with."
        ),
    ] = None
    retrain: Annotated[
        Retrain | None, Meta(description="When `mlspec retrain` trains the model again, on what, and who promotes it.")
    ] = None
    rollout: Annotated[
        Rollout | None, Meta(description="How a release is tried out in service before a stage is given it.")
    ] = None


def monitored(operation: Operation) -> Iterator[tuple[Path, str, str]]:
    """Each bound that is judged in service: its place in the spec, its name, and what it says."""
    wanted, path = operation.monitor, ("operation", "monitor")
    if wanted is None:
        return
    drift = wanted.drift
    for name in () if drift is None else drift.__struct_fields__:
        bound = getattr(drift, name)
        if bound is not None:
            text = f"in service, {DRIFT[name]} at most {bound.at_most:g}"
            yield (*path, "drift", name), f"drift.{name}", text
    service = wanted.service
    if service is not None and service.p99 is not None:
        yield (*path, "service", "p99"), "service.p99", f"in service, p99 of a request at most {service.p99:g} s"
    if service is not None and service.errors is not None:
        text = f"in service, share of failed requests at most {service.errors.at_most:g}"
        yield (*path, "service", "errors"), "service.errors", text
    for index, bound in enumerate(wanted.quality):
        bounds = [(side, getattr(bound, side)) for side in ("at_least", "at_most")]
        said = " and ".join(f"{side.replace('_', ' ')} {value:g}" for side, value in bounds if value is not None)
        kind = "estimated " if bound.estimated else ""
        name = f"{'estimated' if bound.estimated else 'quality'}.{bound.metric}"
        yield (*path, "quality", index), name, f"in service, {kind}{bound.metric} {said}"
    if wanted.fairness:
        yield (*path, "fairness"), "fairness", "in service, the bounds of constraints.fairness"


def metrics(operation: Operation | None) -> Iterator[tuple[Path, str]]:
    """The metrics that are judged in service, with their places in the spec."""
    if operation is not None and operation.monitor is not None:
        for index, bound in enumerate(operation.monitor.quality):
            yield ("operation", "monitor", "quality", index, "metric"), bound.metric
