"""The ``evaluation`` key: what is measured on the test split, and how sure one can be of it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import MetricUse

BaselineName = Literal["majority", "mean", "median"]


class Confidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The intervals beside every metric."""

    level: Annotated[
        float, Meta(description="The share of repetitions whose interval would hold the truth.", gt=0.5, lt=1)
    ] = 0.95
    resamples: Annotated[int, Meta(description="Bootstrap replicates.", ge=100, le=100_000)] = 1000


class Evaluation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured."""

    metrics: Annotated[
        tuple[MetricUse, ...] | None,
        Meta(
            description="The metrics; a set that fits the task if left out.",
            examples=[["roc_auc", "log_loss"]],
        ),
    ] = None
    baselines: Annotated[
        tuple[BaselineName, ...] | None,
        Meta(description="What the model must stand against: majority for classes, mean or median for numbers."),
    ] = None
    confidence: Annotated[Confidence, Meta(description="The intervals beside every metric.")] = Confidence()
