"""The ``preprocessing`` key: what is done to columns before a model sees them, fitted on training rows only."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import ColumnName, StepUse


class Preprocessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps by type of column; where a type is left out, each model brings the preparation that suits it."""

    numeric: Annotated[
        tuple[StepUse, ...] | None,
        Meta(description="For integers and numbers.", examples=[[{"impute": "median"}, {"scale": "standard"}]]),
    ] = None
    category: Annotated[
        tuple[StepUse, ...] | None,
        Meta(description="For categories and booleans.", examples=[[{"encode": "one_hot"}]]),
    ] = None
    date: Annotated[tuple[StepUse, ...] | None, Meta(description="For dates and times.")] = None
    columns: Annotated[
        dict[ColumnName, tuple[StepUse, ...]],
        Meta(description="For single columns, in place of what their type gets."),
    ] = {}
