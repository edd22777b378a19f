"""A guess by lot."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.baseline import Baseline, BaselineRows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Random(Baseline, frozen=True, kw_only=True):
    """A random class for each row with the shares of the training rows, or the target of a random training row.

    Its probabilities are the shares, so it differs from majority only in its decisions.

    Why: the minimum that any decision must beat; where majority never finds a positive, this finds some.

    Example:
        baselines: [random]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})

    seed: Annotated[int, Meta(description="The seed of the random choice.", ge=0)] = 0

    def predict(self, rows: BaselineRows) -> "tuple[Array, Array | None]":
        """Shares (n, classes) with what was drawn, or values (n,)."""
        import numpy as np

        from mlspec.baselines._shares import shares

        lot, n = np.random.default_rng(self.seed), rows.test.height
        if not rows.classes:
            return rows.target[lot.integers(0, len(rows.target), n)], None
        return np.tile(shares(rows), (n, 1)), np.eye(rows.classes)[lot.choice(rows.classes, n, p=shares(rows))]
