"""The learning curve over the size of the data, as frozen values: a part of ``RunFacts``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.report.facts.evaluation_facts import Estimate


class SharePoint(Struct, frozen=True, kw_only=True):
    """A share of the training rows: the metric on the validation rows, of each repetition and their mean."""

    fraction: float
    rows: int
    value: float
    values: tuple[float, ...] = ()


class CurvePoint(Struct, frozen=True, kw_only=True):
    """The fitted curve at a number of rows, with its interval."""

    rows: int
    value: float
    low: float
    high: float


class Forecast(Struct, frozen=True, kw_only=True):
    """What the curve says of more rows, and by how much that is better than with those there are."""

    times: float
    rows: int
    value: float
    low: float
    high: float
    gain: Estimate


class PowerLaw(Struct, frozen=True, kw_only=True):
    """error = a + b rows^-c, where the error is the distance to ``best``, or the metric itself."""

    a: float
    b: float
    c: float
    best: float | None = None


class ScalingFacts(Struct, frozen=True, kw_only=True):
    """What more training rows would buy."""

    metric: str
    greater_is_better: bool
    level: float
    points: tuple[SharePoint, ...] = ()
    law: PowerLaw | None = None
    curve: tuple[CurvePoint, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    noise: Annotated[
        float | None, Meta(description="standard deviation between fits on different rows, at the largest share")
    ] = None
    verdict: Literal["gains", "flat", "unknown"]
    reason: str = ""
