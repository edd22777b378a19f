"""A rule of thumb."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.baseline import Baseline, BaselineRows

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    Array = np.ndarray[Any, Any]


class Rule(Baseline, frozen=True, kw_only=True):
    """Positive if one column is above, below or equal to a value: a rule that people use without a model.

    Its probabilities are the shares of positives among the training rows on either side; its decisions are the rule
    itself.

    Why: a model must be better than the simple rule that it would replace.

    Example:
        baselines: [rule: {column: education_num, above: 12}]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})

    column: Annotated[str, Meta(description="The column that the rule uses.", min_length=1, extra={"column": True})]
    above: Annotated[float | None, Meta(description="Positive if the number is greater than this.")] = None
    below: Annotated[float | None, Meta(description="Positive if the number is less than this.")] = None
    equals: Annotated[
        tuple[str | int | float | bool, ...] | None, Meta(description="Positive if the value is one of these.")
    ] = None

    def columns(self) -> tuple[str, ...]:
        """The one column."""
        return (self.column,)

    def mistake(self) -> str:
        """A rule needs something to go by."""
        stated = (self.above, self.below, self.equals) != (None, None, None)
        return "" if stated else "a rule that says nothing is positive everywhere: add above, below or equals"

    def predict(self, rows: BaselineRows) -> "tuple[Array, Array | None]":
        """Probabilities (n, 2), and the rule's decisions."""
        import numpy as np

        fires, trained = self._fires(rows.test[self.column]), self._fires(rows.train[self.column])
        share = [
            float((rows.target[trained == side] == 1).mean()) if (trained == side).any() else float(side)
            for side in (False, True)
        ]
        positive = np.where(fires, share[1], share[0])
        return np.stack([1 - positive, positive], axis=1), np.eye(2)[fires.astype(np.int64)]

    def _fires(self, cells: "pl.Series") -> "Array":
        import polars as pl

        fires = pl.Series([True] * len(cells))
        if self.above is not None or self.below is not None:
            if not cells.dtype.is_numeric():
                raise StepError(f"the rule compares '{self.column}' with a number, but it holds {cells.dtype}")
            if self.above is not None:
                fires &= cells > self.above
            if self.below is not None:
                fires &= cells < self.below
        if self.equals is not None:
            said = [str(value).lower() if isinstance(value, bool) else str(value) for value in self.equals]
            fires &= cells.cast(pl.String).is_in(said)
        return fires.fill_null(False).to_numpy()
