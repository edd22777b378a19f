"""The ``storage`` key: how long what runs leave is kept, and how a shared store is kept from others."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mlspec.machine.patterns import pattern

RUNS = pattern(r"(\d+) runs?")


class Snapshots(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The rows that fetched sources gave, in `.mlspec/snapshots`."""

    keep: Annotated[
        int,
        Meta(
            description="The number of snapshots to keep for each source, newest first; those pinned by mlspec.lock "
            "are always kept.",
            ge=1,
        ),
    ] = 3
    format: Annotated[
        Literal["parquet", "arrow"],
        Meta(
            description="The format of new snapshots: parquet is smaller, arrow (Arrow IPC, Feather v2) is faster to "
            "read, and other programs can memory-map it if it is not compressed. Existing snapshots keep their "
            "format. A downloaded file without personal columns is kept as it is."
        ),
    ] = "parquet"
    compression: Annotated[
        Literal["zstd", "lz4", "none"],
        Meta(
            description="The compression of new snapshots: zstd is the smallest, lz4 the fastest to read, none is "
            "for disks with their own compression."
        ),
    ] = "zstd"


class Storage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what runs leave is kept, and how a shared store is kept from others. No result depends on it."""

    keep: Annotated[
        Annotated[str, Meta(pattern=r"^[1-9]\d{0,5}( runs?|m|h|d)$")] | None,
        Meta(
            description="The runs to keep, as `5 runs` or `30d`; after a successful run, older ones are deleted with "
            "results that only they use. All are kept if left out.",
            examples=["5 runs", "30d"],
        ),
    ] = None
    snapshots: Annotated[Snapshots, Meta(description="Snapshots of the rows of fetched sources.")] = Snapshots()
    encrypt: Annotated[
        Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None,
        Meta(
            description="The environment variable with the key (at least 16 characters) that encrypts everything "
            "uploaded to `backend.store`; nothing is encrypted if left out."
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
