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
            description="global: one model answers all. group: by the values of a column. user: the same where the "
            "column names people: the one model does not read it, and neither report nor package names anyone."
        ),
    ]
    key: Annotated[ColumnName | None, Meta(description="The column that says whose row it is.")] = None
    strategy: Annotated[
        Literal["shared", "embedding", "finetune"],
        Meta(
            description="shared: one further model reads the key as a feature. embedding: the same, a network that "
            "learns a vector for each group. finetune: for each group, training goes on from the one model."
        ),
    ] = "finetune"
    min_group_size: Annotated[
        int, Meta(description="A group with fewer training rows has no answers of its own.", ge=2, le=1_000_000_000)
    ] = 100
    parts: Annotated[
        int,
        Meta(
            description="With finetune: into how many steps the groups are dealt, which run beside each other.",
            ge=1,
            le=64,
        ),
    ] = 2
