"""The share of rows predicted positive that are."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Precision(Metric, frozen=True, kw_only=True):
    """The share of rows predicted positive that are positive, at the most probable class.

    Why: the share of alarms that are real.

    Example:
        metrics: [precision]
    """

    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    decides: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,), 1 the positive class, and probabilities (n, 2)."""
        from sklearn.metrics import precision_score

        from mlspec.metrics import _resampling

        return float(precision_score(truth, _resampling.labels(prediction), zero_division=0.0))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        right, given, _ = (part[:, 1] for part in _resampling.counts(truth, prediction, weights))
        return _resampling.ratio(right, given)

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | None:
        """Wilson's interval on the rows predicted positive if all or none of them are, else None."""
        from mlspec.metrics import _resampling

        called = int((_resampling.labels(prediction) == 1).sum())
        return _resampling.certain(self.score(truth, prediction), called, level)
