"""A guess by lot."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.baseline import Baseline, BaselineRows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Random(Baseline, frozen=True, kw_only=True):
    """A class drawn for each row by the training rows' shares, or the target of a training row drawn by lot.

    Its probabilities are the shares, so that it differs from majority in its decisions alone.

    Why: the least that any decision must beat; where majority never finds a positive, this finds some.

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
