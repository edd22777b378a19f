"""The harmonic mean of precision and recall."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class F1(Metric, frozen=True, kw_only=True):
    """The harmonic mean of precision and recall of the positive class, at the most probable class.

    Why: one number for finding rare positives with few false alarms.

    Example:
        metrics: [f1]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    decides: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,), 1 the positive class, and probabilities (n, 2)."""
        from sklearn.metrics import f1_score

        from mlspec.metrics import _resampling

        if not (truth == 1).any():
            return float("nan")
        return float(f1_score(truth, _resampling.labels(prediction), zero_division=0.0))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        right, given, has = (part[:, 1] for part in _resampling.counts(truth, prediction, weights))
        return _resampling.ratio(2 * right, given + has)

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | None:
        """Wilson's interval on the positive rows where the score is 0 or 1, else None."""
        from mlspec.metrics import _resampling

        return _resampling.certain(self.score(truth, prediction), int((truth == 1).sum()), level)
