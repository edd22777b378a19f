"""The most frequent class."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.baseline import Baseline, BaselineRows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Majority(Baseline, frozen=True, kw_only=True):
    """The class shares of the training rows for every row, so always the most frequent class.

    Why: this is possible without any feature; if one class is rare it has a high accuracy.

    Example:
        baselines: [majority]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})

    def predict(self, rows: BaselineRows) -> "tuple[Array, Array | None]":
        """Shares (n, classes)."""
        import numpy as np

        from mlspec.baselines._shares import shares

        return np.tile(shares(rows), (rows.test.height, 1)), None
