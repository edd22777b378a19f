"""The ``model.personalization`` key: whether groups or users are answered by models of their own."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.spec.types import ColumnName

GLOBAL = "global"  # the one model, as a baseline of the personalized one


class Personalization(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Models of their own for groups of rows, each used only where it is shown to beat the one model on its own rows.

    That is decided on the group's validation rows, by a paired interval in the metric that selects. Every other group,
    and one that training has not seen, is answered by the one model.
    """

    level: Annotated[
        Literal["global", "group", "user"],
        Meta(
            description="global: one model for all rows. group: models by the values of a column. user: the same "
            "where the column identifies people: the shared model does not use it, and neither report nor package "
            "names anyone."
        ),
    ]
    key: Annotated[ColumnName | None, Meta(description="The column with the group or user of a row.")] = None
    strategy: Annotated[
        Literal["shared", "embedding", "finetune"],
        Meta(
            description="shared: one further model that uses the key as a feature. embedding: the same, with a "
            "network that learns a vector for each group. finetune: for each group, training continues from the "
            "shared model."
        ),
    ] = "finetune"
    min_group_size: Annotated[
        int, Meta(description="Groups with fewer training rows use the shared model.", ge=2, le=1_000_000_000)
    ] = 100
    parts: Annotated[
        int,
        Meta(
            description="With finetune: the number of steps that share the groups; they run in parallel.",
            ge=1,
            le=64,
        ),
    ] = 2
