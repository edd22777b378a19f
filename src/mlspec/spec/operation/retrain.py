"""``operation.retrain``: when the model is to be trained again."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import Seconds


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each of these alone is a reason."""

    quality: Annotated[bool, Meta(description="A metric of `operation.monitor.quality` fails on rows with labels.")] = (
        False
    )
    age: Annotated[Seconds | None, Meta(description="The model is older than this.", examples=["90d"])] = None
    labels: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="So many labels of served rows are there.", examples=[10000]),
    ] = None
    drift: Annotated[bool, Meta(description="Always an error: drift alone is no reason to train a model again.")] = (
        False
    )


class Retrain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the model is to be trained again."""

    when: Annotated[When, Meta(description="The reasons; one is enough.")]
