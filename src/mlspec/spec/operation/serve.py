"""The key ``operation.serve``: what a service accepts of one client, and of all together."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import Bytes, Seconds


class Serve(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `mlspec serve` accepts. Options of the command come before it."""

    max_rows: Annotated[int, Meta(description="The largest number of rows in a request.", ge=1, le=1_000_000)] = 1000
    max_body: Annotated[Bytes, Meta(description="The largest body of a request.", examples=["1MB"])] = 1_000_000
    timeout: Annotated[
        Seconds,
        Meta(
            description="How long a request may take to arrive, and to be answered once it has arrived.",
            examples=["2s"],
        ),
    ] = 10.0
    concurrency: Annotated[
        int,
        Meta(
            description="How many requests a process answers or holds at the same time; further ones get status 503 "
            "with Retry-After.",
            ge=1,
            le=10_000,
        ),
    ] = 64
