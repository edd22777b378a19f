"""Text to weighted words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugin import Column, Schema, State, Step

if TYPE_CHECKING:
    import polars as pl

WORD = r"\w\w+"


class TfIdf(Step, frozen=True, kw_only=True):
    """Turns text into a column for each of the training rows' most frequent words: how often it stands there, times how
    rare it is among the texts (scikit-learn's smoothed idf), over the number of the text's words.

    Words are runs of at least two letters, digits or underscores, in lower case.

    Why: what a text is about shows in the words that it has and others lack; linear models do well on that.

    Example:
        columns: {review: [tf_idf: 500]}
    """

    accepts: ClassVar[frozenset[str]] = frozenset({"category"})
    shorthand: ClassVar[str] = "words"
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    words: Annotated[int, Meta(description="How many words at most.", ge=1, le=10_000)] = 200
    at_least: Annotated[int, Meta(description="In how many texts a word must stand.", ge=1)] = 2

    def output(self, column: Column) -> Schema:
        """Numbers; how many, only fitting tells."""
        return (Column(column.name, "number", column.role, None, None),)

    def statistics(self, column: Column) -> "Mapping[str, pl.Expr]":
        """How many texts there are, and how many have each word."""
        import polars as pl

        found = words(column).list.unique().explode().drop_nulls()
        return {"texts": pl.col(column.name).count(), "words": found.value_counts(sort=False, name="texts").implode()}

    def fit(self, column: Column, values: Mapping[str, Any]) -> State:
        """``{"words", "rarity"}``, the most frequent first, equals by name."""
        import math

        texts = int(values["texts"])
        counted = [(entry["texts"], entry[column.name]) for entry in values["words"]]
        kept = sorted(
            (entry for entry in counted if entry[0] >= self.at_least), key=lambda entry: (-entry[0], entry[1])
        )
        kept = kept[: self.words]
        rarity = [math.log((1 + texts) / (1 + count)) + 1 for count, _ in kept]
        return {"words": [word for _, word in kept], "rarity": rarity}

    def apply(self, column: Column, state: State) -> "Sequence[tuple[Column, pl.Expr]]":
        """``NAME:WORD`` columns; zeros for a text without words, or none."""
        import polars as pl

        found = words(column)
        length = pl.max_horizontal(found.list.len(), pl.lit(1)).fill_null(1)
        return [
            (
                Column(f"{column.name}:{word}", "number", column.role),
                (found.list.count_matches(word).fill_null(0) * rarity / length).cast(pl.Float32),
            )
            for word, rarity in zip(state["words"], state["rarity"], strict=True)
        ]


def words(column: Column) -> "pl.Expr":
    """The words of a text, in lower case: a list."""
    import polars as pl

    return pl.col(column.name).cast(pl.String).str.to_lowercase().str.extract_all(WORD)
