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

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
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

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """Right or not, less the share that is right."""
        from mlspec.metrics import _intervals, _resampling

        return _intervals.centred(_resampling.labels(prediction) == truth)

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """The exact one, of a proportion."""
        from mlspec.metrics import _intervals, _resampling

        right = int((_resampling.labels(prediction) == truth).sum())
        return _intervals.proportion(right, len(truth), level)
