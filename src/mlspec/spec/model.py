"""The ``model`` key: which models compete and how one is chosen."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import ModelUse, Name


class Select(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one candidate is chosen, on the validation rows."""

    metric: Annotated[
        str | None,
        Meta(description="The metric to be best at: roc_auc, log_loss or rmse by task if left out."),
    ] = None
    rule: Annotated[
        Literal["best", "one_standard_error"],
        Meta(
            description="best: the best value. one_standard_error: the simplest candidate whose paired difference to "
            "the best is within one standard error."
        ),
    ] = "best"


class ModelSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The models that compete."""

    candidates: Annotated[dict[Name, ModelUse], Meta(description="The models that compete, by name.", min_length=1)]
    select: Annotated[Select, Meta(description="How one of them is chosen.")] = Select()
    calibrate: Annotated[
        Literal["none", "isotonic", "sigmoid"],
        Meta(
            description="Correct the selected model's probabilities by a curve that is fitted on the validation rows: "
            "a staircase (isotonic: wants about 1,000 rows, and gives rows of one stair one rank) or a sigmoid."
        ),
    ] = "none"
    seed: Annotated[int, Meta(description="The seed of everything random in training.", ge=0)] = 0
