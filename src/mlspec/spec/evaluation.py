"""The ``evaluation`` key: what is measured on the test split, and how sure one can be of it."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import BaselineRef, Columns, MetricRef


class Confidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The intervals beside every metric."""

    level: Annotated[float, Meta(description="The confidence level of the intervals.", gt=0.5, lt=1)] = 0.95
    resamples: Annotated[
        int,
        Meta(
            description="The number of bootstrap replicates, for metrics that have no interval in closed form.",
            ge=100,
            le=100_000,
        ),
    ] = 1000


class Holdout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the test rows may judge. Each further model that they have judged makes a pass by chance likelier."""

    max_uses: Annotated[
        int,
        Meta(
            description="How many different models may be evaluated on the same test rows; gates of later models are "
            "unknown until there are fresh test rows.",
            ge=1,
        ),
    ]


Fraction = Annotated[float, Meta(gt=0, le=1)]


class Scaling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A learning curve over the size of the data: what more rows would buy."""

    fractions: Annotated[
        tuple[Fraction, ...],
        Meta(
            description="The shares of the training rows on which the selected candidate is fitted, each a separate "
            "step.",
            min_length=3,
            max_length=20,
        ),
    ] = (0.1, 0.25, 0.5, 1.0)
    repeats: Annotated[
        int,
        Meta(
            description="How often each share is sampled, each time with different rows and another seed; the "
            "curve's interval is computed from the variation.",
            ge=2,
            le=50,
        ),
    ] = 3


class Evaluation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured."""

    metrics: Annotated[
        tuple[MetricRef, ...] | None,
        Meta(
            description="The metrics; a default set for the task if left out.",
            examples=[["roc_auc", "log_loss"]],
        ),
    ] = None
    baselines: Annotated[
        tuple[BaselineRef, ...] | None,
        Meta(
            description="The baselines that the model is compared with: majority for classes, mean for numbers if "
            "left out.",
            examples=[["majority", "random", "previous"]],
        ),
    ] = None
    confidence: Annotated[Confidence, Meta(description="The confidence intervals of every metric.")] = Confidence()
    holdout: Annotated[Holdout | None, Meta(description="How often the test rows may be used.")] = None
    slices: Annotated[
        tuple[Columns, ...],
        Meta(
            description="Slices of the test rows in which every metric is also measured: by the values of one "
            "column, or of several columns together. Numbers are cut into quartiles.",
            examples=[["sex", "race", ["sex", "race"]]],
        ),
    ] = ()
    slice_rows: Annotated[
        int, Meta(description="Slices with fewer test rows are shown as having too few rows.", ge=5)
    ] = 30
    worst_slice: Annotated[
        bool,
        Meta(
            description="Search the test rows, by one and by two columns, for the slice in which the model has the "
            "most errors. The interval is corrected for the number of slices compared."
        ),
    ] = False
    importance: Annotated[
        bool,
        Meta(
            description="Measure on the validation rows how much the selected model relies on each column "
            "(permutation importance), and how its prediction changes with the most important ones (partial "
            "dependence)."
        ),
    ] = False
    scaling: Annotated[
        Scaling | None,
        Meta(description="Fit the selected candidate on shares of the training rows, and fit a learning curve."),
    ] = None
