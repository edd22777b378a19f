"""``operation.monitor``: what is judged of the request log, in windows of rows."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import Seconds, Share


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows that are judged together: the newest ones, so many and no older."""

    rows: Annotated[int, Meta(description="The largest number of rows.", ge=100, le=100_000)] = 2000
    at_most: Annotated[Seconds, Meta(description="The longest time that a window covers.", examples=["1d"])] = 86400.0


class Ceiling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A greatest value."""

    at_most: Annotated[float, Meta(description="The largest acceptable value.", ge=0)]


class ShareCeiling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A greatest share of rows."""

    at_most: Annotated[Share, Meta(description="The largest acceptable share, between 0 and 1.")]


class DriftBounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on how far a window's rows differ from the test rows."""

    psi: Annotated[
        Ceiling | None,
        Meta(
            description="Bound on each column's population stability index, less what chance gives a window of its "
            "size."
        ),
    ] = None
    prediction: Annotated[
        Ceiling | None,
        Meta(description="The same bound for what the model answers: its values or scores, and its classes."),
    ] = None
    missing: Annotated[
        ShareCeiling | None,
        Meta(description="Bound on the rise of a column's share of missing values above that of the test rows."),
    ] = None
    unseen: Annotated[
        ShareCeiling | None, Meta(description="Bound on the share of rows with a category that is new to the model.")
    ] = None
    out_of_range: Annotated[
        ShareCeiling | None,
        Meta(description="Bound on the share of rows with a number outside the range of training and test rows."),
    ] = None


class ServiceBounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds on how requests are answered."""

    p99: Annotated[Seconds | None, Meta(description="Bound on the 99th percentile of the time of a request.")] = None
    errors: Annotated[
        ShareCeiling | None,
        Meta(description="Bound on the share of requests that failed; refused ones are counted apart."),
    ] = None


class ServedQuality(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bound on a metric of served predictions."""

    metric: Annotated[str, Meta(description="A metric that `evaluation.metrics` computes.", examples=["roc_auc"])]
    at_least: Annotated[float | None, Meta(description="The lowest acceptable value.")] = None
    at_most: Annotated[float | None, Meta(description="The highest acceptable value.")] = None
    estimated: Annotated[
        bool,
        Meta(
            description="Estimate the metric from the predicted probabilities, without labels. It cannot see a change "
            "of the relation between columns and target: it may fail or be unknown, never pass."
        ),
    ] = False


class Monitor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``mlspec monitor`` judges of the request log."""

    window: Annotated[Window, Meta(description="The rows that are judged together.")] = Window()
    false_alarms: Annotated[
        float,
        Meta(
            description="The largest share of undisturbed windows in which drift, service, quality or fairness (each "
            "with all its columns and bounds) may raise an alarm by chance.",
            gt=0,
            le=0.2,
        ),
    ] = 0.01
    drift: Annotated[DriftBounds | None, Meta(description="Bounds on how far rows differ from the test rows.")] = None
    service: Annotated[ServiceBounds | None, Meta(description="Bounds on how requests are answered.")] = None
    quality: Annotated[
        tuple[ServedQuality, ...],
        Meta(description="Bounds on metrics of served predictions; the whole interval must be on the right side."),
    ] = ()
    fairness: Annotated[
        bool, Meta(description="Also hold served predictions to the bounds of `constraints.fairness`.")
    ] = False
