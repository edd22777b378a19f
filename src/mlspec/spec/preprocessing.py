"""The ``preprocessing`` key: what is done to columns before a model sees them, fitted on training rows only."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import ColumnName, TransformRef


class Interaction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column made of others: exactly one of these keys."""

    product: Annotated[
        tuple[ColumnName, ...] | None, Meta(description="Numeric columns to multiply.", min_length=2, max_length=8)
    ] = None
    ratio: Annotated[
        tuple[ColumnName, ColumnName] | None,
        Meta(description="A number divided by another; missing where the divisor is 0."),
    ] = None
    cross: Annotated[
        tuple[ColumnName, ...] | None,
        Meta(description="Categories: a level for every combination that occurs.", min_length=2, max_length=8),
    ] = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The keys that are given."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name) is not None)


class Preprocessing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Steps by type of column; where a type is left out, each model brings the preparation that suits it."""

    numeric: Annotated[
        tuple[TransformRef, ...] | None,
        Meta(description="For integer and number columns.", examples=[[{"impute": "median"}, {"scale": "standard"}]]),
    ] = None
    category: Annotated[
        tuple[TransformRef, ...] | None,
        Meta(description="For category and boolean columns.", examples=[[{"encode": "one_hot"}]]),
    ] = None
    date: Annotated[tuple[TransformRef, ...] | None, Meta(description="For date and time columns.")] = None
    image: Annotated[
        tuple[TransformRef, ...] | None,
        Meta(description="For image columns.", examples=[[{"image": {"size": [32, 32], "colour": "grey"}}]]),
    ] = None
    interactions: Annotated[
        tuple[Interaction, ...],
        Meta(
            description="Columns to add, computed from other columns; they are prepared like other columns of their "
            "type.",
            examples=[[{"ratio": ["length", "width"]}, {"cross": ["city", "weekday"]}]],
        ),
    ] = ()
    columns: Annotated[
        dict[ColumnName, tuple[TransformRef, ...]],
        Meta(description="For single columns, instead of the preparation of their type."),
    ] = {}
