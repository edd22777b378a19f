"""Text to weighted words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Column, Schema, State
from mlspec.plugins.transform import Merging, Transform

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, Any]

WORD = r"\w\w+"


class TfIdf(Transform, frozen=True, kw_only=True):
    """Converts text to a number for each of the most frequent words of the training rows: its frequency in the text,
    times its inverse document frequency (scikit-learn's smoothed idf), divided by the number of words. They are one
    column.

    Words are sequences of at least two letters, digits or underscores, in lower case. With `ngrams: 2`, two consecutive
    words also count as a word: "not good" is more than its parts.

    Why: the topic of a text shows in words that other texts lack; linear models do well with them.

    Example:
        columns: {review: [tf_idf: 500]}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category"})
    shorthand: ClassVar[str] = "words"
    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("polars", "numpy")

    words: Annotated[int, Meta(description="The maximum number of words.", ge=1, le=10_000)] = 200
    at_least: Annotated[int, Meta(description="The number of texts that must contain a word.", ge=1)] = 2
    ngrams: Annotated[int, Meta(description="The longest n-gram of words to count.", ge=1, le=4)] = 1

    def output(self, column: Column) -> Schema:
        """Numbers; their number is known after fitting."""
        return (Column(column.name, "array", column.role, None, None),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """How many texts there are, and how many have each word."""
        import polars as pl

        found = words(column, self.ngrams).list.unique().explode().drop_nulls().alias("word")
        return {"texts": pl.col(column.name).count(), "words": found.value_counts(sort=False, name="texts").implode()}

    def merging(self, column: Column) -> Mapping[str, Merging]:
        """The counts of all parts, added up."""
        import polars as pl

        found = words(column, self.ngrams).list.unique().explode()
        texts = pl.col(column.name).is_not_null().cast(pl.Int64)
        return {"texts": Merging("sum", texts), "words": Merging("counts", found, ("word", "texts"))}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"words", "rarity"}``, the most frequent first, equals by name."""
        import math

        texts = int(values["texts"])
        counted = [(entry["texts"], entry["word"]) for entry in values["words"]]
        kept = sorted(
            (entry for entry in counted if entry[0] >= self.at_least), key=lambda entry: (-entry[0], entry[1])
        )
        kept = kept[: self.words]
        rarity = [math.log((1 + texts) / (1 + count)) + 1 for count, _ in kept]
        return {"words": [word for _, word in kept], "rarity": rarity}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """``NAME:WORD`` numbers; zeros for a text without words, or none."""
        import polars as pl

        known, rarity = state["words"], state["rarity"]
        if not known:
            return []
        names = tuple(f"{column.name}:{word}" for word in known)
        made = Column(column.name, "array", column.role, None, len(known), (len(known),), names)
        place = words(column, self.ngrams).list.eval(
            pl.element().replace_strict(known, list(range(len(known))), default=-1, return_dtype=pl.Int32)
        )

        def weighted(cells: "pl.Series") -> "pl.Series":
            import numpy as np

            counts, lengths = counted(cells, len(known))
            counts *= np.asarray(rarity, np.float64)
            counts /= np.maximum(lengths, 1)[:, None]
            return as_array(cells.name, counts)

        kind = pl.Array(pl.Float32, len(known))
        return [(made, place.map_batches(weighted, return_dtype=kind, is_elementwise=True))]


def words(column: Column, ngrams: int = 1) -> "pl.Expr":
    """The words of a text, in lower case, and up to so many in a row as one: a list."""
    import polars as pl

    found = pl.col(column.name).cast(pl.String).str.to_lowercase().str.extract_all(WORD)
    if ngrams == 1:
        return found
    # Shifted by one, two, ...: the last words have no neighbours, and null is no word.
    runs = [
        found.list.eval(pl.concat_str([pl.element().shift(-k) for k in range(length)], separator=" ").drop_nulls())
        for length in range(2, ngrams + 1)
    ]
    return pl.concat_list([found, *runs])


def counted(places: "pl.Series", width: int) -> "tuple[Array, Array]":
    """How often each place from 0 to ``width`` - 1 occurs in a list (n, width), and the lists' lengths (n,).

    What is no such place counts in the length alone.
    """
    import numpy as np

    lengths = places.list.len().fill_null(0).to_numpy().astype(np.int64)
    flat = places.filter(places.list.len().fill_null(0) > 0).explode().to_numpy().astype(np.int64)
    rows = np.repeat(np.arange(len(places)), lengths)
    there = (flat >= 0) & (flat < width)
    counts = np.bincount(rows[there] * width + flat[there], minlength=len(places) * width)
    return counts.reshape(len(places), width).astype(np.float64), lengths


def as_array(name: str, numbers: "Array") -> "pl.Series":
    """Numbers (n, width) as one column."""
    import numpy as np
    import polars as pl

    return pl.Series(name, numbers.astype(np.float32), dtype=pl.Array(pl.Float32, numbers.shape[1]))
