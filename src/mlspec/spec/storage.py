"""The ``storage`` key: how long what runs leave is kept, and how a shared store is kept from others."""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

RUNS = re.compile(r"(\d+) runs?")


class Snapshots(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows that fetched sources gave, in `.mlspec/snapshots`."""

    keep: Annotated[
        int,
        Meta(
            description="How many of each source stay, the latest first; those that mlspec.lock pins stay anyway.", ge=1
        ),
    ] = 3
    format: Annotated[
        Literal["parquet", "arrow"],
        Meta(
            description="The files that are to come: parquet is the smaller one, arrow (Arrow IPC, Feather v2) the "
            "quicker one to read, and what other programs map into memory if it is not compressed. Those of another "
            "format are read as they are. A file from an address that holds no personal column stays as it came."
        ),
    ] = "parquet"
    compression: Annotated[
        Literal["zstd", "lz4", "none"],
        Meta(
            description="How rows are compressed in them: zstd is the smallest, lz4 the quickest to read, none is for "
            "disks that compress themselves."
        ),
    ] = "zstd"


class Storage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what runs leave is kept, and how a shared store is kept from others. No result depends on it."""

    keep: Annotated[
        Annotated[str, Meta(pattern=r"^[1-9]\d{0,5}( runs?|m|h|d)$")] | None,
        Meta(
            description="Runs that stay, as `5 runs` or `30d`; when one has succeeded, older ones go with what they "
            "alone hold. All stay if left out.",
            examples=["5 runs", "30d"],
        ),
    ] = None
    snapshots: Annotated[Snapshots, Meta(description="The rows that fetched sources gave.")] = Snapshots()
    encrypt: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None,
        Meta(
            description="The environment variable that holds the key, of at least 16 characters, by which all that is "
            "put into `backend.store` is encrypted; nothing is if left out."
        ),
    ] = None


def kept(text: str) -> tuple[int | None, float | None]:
    """How many runs, or those of how many seconds, a ``keep`` means."""
    from mlspec.spec.units import parse

    found = RUNS.fullmatch(text)
    if found is not None:
        return int(found[1]), None
    seconds = parse("duration", text)
    return None, float(seconds or 0)
