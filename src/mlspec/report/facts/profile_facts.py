"""What the training rows hold, column by column, as frozen values: a part of ``RunFacts``."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.report.page.image_sizes import ImageSizes


class CommonValue(Struct, frozen=True):
    """A value and how many of the rows have it."""

    value: str
    rows: int


class ColumnProfile(Struct, frozen=True, kw_only=True):
    """A column of the training rows. Values are shown for features and the target only, and none that few rows have."""

    missing: Annotated[float, Meta(description="share of rows without a value")]
    distinct: Annotated[int | None, Meta(description="distinct values; null for numbers")] = None
    quantiles: Annotated[
        tuple[float, ...], Meta(description="minimum, first quartile, median, third quartile, maximum; for numbers")
    ] = ()
    mean: float | None = None
    bins: Annotated[tuple[int, ...], Meta(description="rows in ten equal bins between minimum and maximum")] = ()
    first: Annotated[str | None, Meta(description="the earliest time, for dates")] = None
    last: Annotated[str | None, Meta(description="the latest time, for dates")] = None
    common: Annotated[tuple[CommonValue, ...], Meta(description="the most frequent values, for categories")] = ()
    images: ImageSizes | None = None


class ClassBalance(Struct, frozen=True):
    """A class of the target: its rows in each part."""

    value: str
    rows: dict[str, int]
