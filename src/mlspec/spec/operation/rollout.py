"""``operation.rollout``: how a released model comes to answer requests in place of the one in service."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

Guard = Literal["quality", "service", "fairness"]


class Shadow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The candidate answers the same requests aside; its answers are logged and compared, and no client gets them."""

    rows: Annotated[int, Meta(description="How many rows it answers.", ge=100, le=10_000_000)]


class Canary(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The candidate answers a share of the requests."""

    share: Annotated[
        float,
        Meta(description="The share of keys whose requests it answers, always the same ones.", gt=0, le=0.5),
    ]
    rows: Annotated[int, Meta(description="How many rows it answers.", ge=100, le=10_000_000)]
    key: Annotated[
        str | None,
        Meta(
            description="The field of a request's first row that is its key, whether the model reads it or not. "
            "Without one it is the header `X-Rollout-Key`, or else the request's id.",
            examples=["customer_id"],
        ),
    ] = None


class Rollout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Trials that a release passes while another one is in service, and what ends them (`mlspec release rollout`)."""

    guard: Annotated[
        tuple[Guard, ...],
        Meta(
            description="Which bounds of `operation.monitor` decide: one that fails ends the rollout, and the "
            "candidate passes when all hold.",
            min_length=1,
        ),
    ]
    shadow: Annotated[Shadow | None, Meta(description="The first trial: without an effect on clients.")] = None
    canary: Annotated[Canary | None, Meta(description="The second trial: a share of the requests.")] = None
    promote: Annotated[
        Literal["by_hand", "when_passed"],
        Meta(description="Whether a candidate that has passed waits for `mlspec release promote`."),
    ] = "by_hand"
