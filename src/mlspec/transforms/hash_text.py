"""Text to counts of words, without a vocabulary."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Transform
from mlspec.transforms.tf_idf import as_array, counted, words

if TYPE_CHECKING:
    import polars as pl


class HashText(Transform, frozen=True, kw_only=True):
    """Converts text to a fixed number of counts: each word is counted at the position given by its hash (Weinberger et
    al. 2009). Words are those of `tf_idf`; two words may share a position. The counts are one column.

    Why: nothing is fitted or stored, so new words count too, and texts of any language need the same space.

    Example:
        columns: {subject: [hash_text: 64]}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category"})
    shorthand: ClassVar[str] = "columns"
    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    columns: Annotated[int, Meta(description="The number of counts.", ge=2, le=4096)] = 64
    ngrams: Annotated[int, Meta(description="The longest n-gram of words to count.", ge=1, le=4)] = 1

    def output(self, column: Column) -> Schema:
        """As many numbers as asked for, in one column."""
        return (Column(column.name, "array", column.role, None, self.columns, (self.columns,)),)

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """Counts; zeros for a text without words, or none."""
        import polars as pl

        # The first and last three bytes and the length of a word, mixed: a hash that no release of a library changes.
        word = pl.element().cast(pl.Binary)
        code = word.bin.size().cast(pl.UInt64)
        for place in (*range(3), -1, -2, -3):
            byte = word.bin.slice(place, 1).bin.encode("hex").str.to_integer(base=16, strict=False)
            code = (code * 31 + byte.fill_null(0).cast(pl.UInt64)) % 1_000_000_007
        place_of = words(column, self.ngrams).list.eval(
            code * 2_654_435_761 % 4_294_967_296 * self.columns // 4_294_967_296
        )

        def filled(cells: "pl.Series") -> "pl.Series":
            return as_array(cells.name, counted(cells, self.columns)[0])

        kind = pl.Array(pl.Float32, self.columns)
        return [(self.output(column)[0], place_of.map_batches(filled, return_dtype=kind, is_elementwise=True))]
