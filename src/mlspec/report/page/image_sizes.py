"""The sizes of the images of a column, never their contents."""

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

if TYPE_CHECKING:
    import polars as pl

LOOKED_AT = 2_000


class ImageSizes(Struct, frozen=True, kw_only=True):
    """Height and width of the images with the fewest and the most pixels, and the mean length of the files."""

    smallest: Annotated[tuple[int, int], Meta(description="height and width of the image with the fewest pixels")]
    largest: Annotated[tuple[int, int], Meta(description="height and width of the image with the most pixels")]
    bytes: Annotated[int, Meta(description="mean length of the files")]


def sizes(rows: "pl.LazyFrame", name: str) -> ImageSizes | None:
    """The sizes by the headers of at most 2,000 evenly spread images; None where there are none.

    Raises StepError where one is no image.
    """
    import polars as pl

    from mlspec import pixels

    known = rows.filter(pl.col(name).is_not_null()).select(name)
    count = int(known.select(pl.len()).collect(engine="streaming").item())
    if not count:
        return None
    cells = known.gather_every(max(1, -(-count // LOOKED_AT))).collect(engine="streaming").to_series()
    found = sorted((pixels.size(cell, f"a cell of column '{name}'") for cell in cells), key=lambda s: (s[0] * s[1], s))
    return ImageSizes(smallest=found[0], largest=found[-1], bytes=round(sum(map(len, cells)) / len(cells)))


def words(found: ImageSizes) -> str:
    """The sizes in a line."""
    (low, narrow), (high, wide) = found.smallest, found.largest
    text = (
        f"{low} x {narrow} pixels" if found.smallest == found.largest else f"{low} x {narrow} to {high} x {wide} pixels"
    )
    return f"{text}, {found.bytes:,} bytes on average"
