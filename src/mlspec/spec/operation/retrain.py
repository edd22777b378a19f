"""``operation.retrain``: when the model is to be trained again, on what, and who decides about the new one."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import Name, Seconds

ENDINGS = (".csv", ".parquet", ".jsonl")
NEW = "served-{}"  # the name of a file of labelled rows, without its ending


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
    """When the model is to be trained again, and how `mlspec retrain` does it."""

    when: Annotated[When, Meta(description="The reasons; one is enough.")]
    source: Annotated[
        Name | None,
        Meta(
            description="The source that gets the labelled rows of the log, in a file of its own each time. Its path "
            "is a pattern of files that end in .csv, .parquet or .jsonl.",
            extra={"prose": True},
        ),
    ] = None
    compare: Annotated[
        float,
        Meta(
            description="The share of the labelled rows, the newest ones, that the new model is not trained on, but "
            "compared on with the one in service.",
            ge=0.1,
            le=0.9,
            extra={"prose": True},
        ),
    ] = 0.3
    stage: Annotated[
        Name | None,
        Meta(
            description="The stage whose model is trained again, and that gets the new one; the last of "
            "`operation.release.stages` if left out.",
            extra={"prose": True},
        ),
    ] = None
    promote: Annotated[
        Literal["by_hand", "gates_and_not_worse"],
        Meta(
            description="by_hand: a new model is released, and a person promotes it. gates_and_not_worse: it is "
            "promoted where all gates pass, and no metric of `operation.monitor.quality` is worse than in service.",
            extra={"prose": True},
        ),
    ] = "by_hand"
