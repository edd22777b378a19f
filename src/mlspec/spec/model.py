"""The ``model`` key: which models compete and how one is chosen."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import ModelUse, Name


class Select(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one candidate is chosen, on the validation rows."""

    metric: Annotated[
        str | None,
        Meta(description="The metric to be best at: roc_auc, log_loss or rmse by task if left out."),
    ] = None


class ModelSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The models that compete."""

    candidates: Annotated[dict[Name, ModelUse], Meta(description="The models that compete, by name.", min_length=1)]
    select: Annotated[Select, Meta(description="How one of them is chosen.")] = Select()
    seed: Annotated[int, Meta(description="The seed of everything random in training.", ge=0)] = 0
