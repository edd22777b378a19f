"""The key ``operation.log``: which requests are logged, and how long."""

from typing import Annotated

from msgspec import Meta, Struct

from mlspec.spec.types import Bytes, Seconds


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log of requests (`mlspec serve --log FOLDER`). Personal columns are in it as `data.personal` leaves them."""

    share: Annotated[
        float, Meta(description="The share of requests that are logged, chosen by their ids.", gt=0, le=1)
    ] = 1.0
    keep: Annotated[Seconds, Meta(description="How long days are kept.", examples=["30d"])] = 30 * 86400.0
    max_size: Annotated[
        Bytes,
        Meta(description="The largest size of the log; the oldest parts are deleted first.", examples=["10GB"]),
    ] = 10_000_000_000
