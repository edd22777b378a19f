"""The ``constraints`` key: what must hold. Each entry becomes a gate, a step with a verdict and evidence."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import Bytes, Seconds


class QualityGate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on a metric of the selected model on the test split; the whole interval must lie on the right side."""

    metric: Annotated[str, Meta(description="A metric that `evaluation.metrics` computes.", examples=["roc_auc"])]
    at_least: Annotated[float | None, Meta(description="The least value that is good enough.")] = None
    at_most: Annotated[float | None, Meta(description="The greatest value that is good enough.")] = None
    beats: Annotated[
        str | None,
        Meta(
            description="A baseline to do better than: its name, or `baseline` for all.",
            examples=["baseline"],
        ),
    ] = None
    by: Annotated[float, Meta(description="By how much the baseline is to be beaten, in the metric's unit.", ge=0)] = (
        0.0
    )


class Latency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on the time of one prediction: the exported model with its preparation, one process, warm."""

    p50: Annotated[Seconds | None, Meta(description="Bound on the median time.")] = None
    p95: Annotated[Seconds | None, Meta(description="Bound on the 95th percentile.")] = None
    p99: Annotated[Seconds | None, Meta(description="Bound on the 99th percentile.")] = None
    batch: Annotated[int, Meta(description="Rows in one request.", ge=1, le=100_000)] = 1


class Size(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what is shipped."""

    model: Annotated[Bytes | None, Meta(description="Bound on the exported model with its preparation, in bytes.")] = (
        None
    )


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on what making the model may take."""

    wall_time: Annotated[
        Seconds | None, Meta(description="Bound on the time of all steps that lead to the model, added up.")
    ] = None
    memory: Annotated[Bytes | None, Meta(description="Bound on the peak memory of any step.")] = None
    gpus: Annotated[int | None, Meta(description="How many GPUs may be used; 0 forbids them.", ge=0)] = None


class Constraints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold. Every entry is checked by a gate that passes, fails, or can't tell (which is no pass)."""

    quality: Annotated[tuple[QualityGate, ...], Meta(description="Bounds on metrics.")] = ()
    latency: Annotated[Latency | None, Meta(description="Bounds on the time of one prediction.")] = None
    size: Annotated[Size | None, Meta(description="Bounds on what is shipped.")] = None
    budget: Annotated[Budget | None, Meta(description="Bounds on what making the model may take.")] = None
