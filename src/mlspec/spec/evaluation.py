"""The ``evaluation`` key: what is measured on the test split, and how sure one can be of it."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import BaselineRef, Columns, MetricRef


class Confidence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The intervals beside every metric."""

    level: Annotated[
        float, Meta(description="The share of repetitions whose interval would hold the truth.", gt=0.5, lt=1)
    ] = 0.95
    resamples: Annotated[int, Meta(description="Bootstrap replicates.", ge=100, le=100_000)] = 1000


class Holdout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often the test rows may judge. Each further model that they have judged makes a pass by chance likelier."""

    max_uses: Annotated[
        int,
        Meta(
            description="How many different models the same test rows may judge; what a later one passes is unknown "
            "until there are fresh rows.",
            ge=1,
        ),
    ]


Fraction = Annotated[float, Meta(gt=0, le=1)]


class Scaling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A learning curve over the size of the data: what more rows would buy."""

    fractions: Annotated[
        tuple[Fraction, ...],
        Meta(
            description="The shares of the training rows that the selected candidate is fitted on, each a step of its "
            "own.",
            min_length=3,
            max_length=20,
        ),
    ] = (0.1, 0.25, 0.5, 1.0)
    repeats: Annotated[
        int,
        Meta(
            description="How often each share is drawn, each time with other rows and another seed: what differs is "
            "luck, and the curve's interval follows from it.",
            ge=2,
            le=50,
        ),
    ] = 3


class Evaluation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured."""

    metrics: Annotated[
        tuple[MetricRef, ...] | None,
        Meta(
            description="The metrics; a set that fits the task if left out.",
            examples=[["roc_auc", "log_loss"]],
        ),
    ] = None
    baselines: Annotated[
        tuple[BaselineRef, ...] | None,
        Meta(
            description="What the model must stand against: majority for classes, mean for numbers if left out.",
            examples=[["majority", "random", "previous"]],
        ),
    ] = None
    confidence: Annotated[Confidence, Meta(description="The intervals beside every metric.")] = Confidence()
    holdout: Annotated[Holdout | None, Meta(description="How often the test rows may judge.")] = None
    slices: Annotated[
        tuple[Columns, ...],
        Meta(
            description="Parts of the test rows in which every metric is measured besides: by a column's values, or by "
            "those of several columns together. Numbers are cut into quarters.",
            examples=[["sex", "race", ["sex", "race"]]],
        ),
    ] = ()
    slice_rows: Annotated[
        int, Meta(description="A slice with fewer test rows is not judged, it has too few rows.", ge=5)
    ] = 30
    worst_slice: Annotated[
        bool,
        Meta(
            description="Search the test rows, by one and by two columns, for the part in which the model errs most. "
            "The interval is corrected for the number of parts looked at."
        ),
    ] = False
    importance: Annotated[
        bool,
        Meta(
            description="Measure on the validation rows how much the selected model relies on each column, and how its "
            "answer moves with the columns it relies on most."
        ),
    ] = False
    scaling: Annotated[
        Scaling | None,
        Meta(description="Fit the selected candidate on shares of the training rows, and a curve over their number."),
    ] = None
