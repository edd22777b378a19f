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

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
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

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """By the ratio's derivatives."""
        from mlspec.metrics import _intervals, _resampling

        given, has = _resampling.labels(prediction) == 1, truth == 1
        return _intervals.ratio(2.0 * (given & has), 1.0 * given + has)

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """The exact one, of the proportion p of rows rightly predicted positive among those that are either positive or
        predicted so: F1 is 2 p / (1 + p)."""
        from mlspec.metrics import _intervals, _resampling

        given, has = _resampling.labels(prediction) == 1, truth == 1
        low, high = _intervals.proportion(int((given & has).sum()), int((given | has).sum()), level)
        return 2 * low / (1 + low), 2 * high / (1 + high)
