"""The share of rows that get the right class."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Accuracy(Metric, frozen=True, kw_only=True):
    """The share of rows whose most probable class is correct.

    Why: everyone understands it; but if one class is rare it says little, so compare it with a baseline.

    Example:
        metrics: [accuracy]
    """

    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    decides: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        from sklearn.metrics import accuracy_score

        from mlspec.metrics import _resampling

        return float(accuracy_score(truth, _resampling.labels(prediction)))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        return _resampling.means((_resampling.labels(prediction) == truth).astype(weights.dtype), weights)

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | None:
        """Wilson's interval where all rows are right or all are wrong, else None."""
        from mlspec.metrics import _resampling

        return _resampling.certain(self.score(truth, prediction), len(truth), level)
