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

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
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

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """By the ratio's derivatives."""
        from mlspec.metrics import _intervals, _resampling

        given, has = _resampling.labels(prediction) == 1, truth == 1
        return _intervals.ratio(given & has, given)

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """The exact one, of a proportion of the rows predicted positive."""
        from mlspec.metrics import _intervals, _resampling

        given, has = _resampling.labels(prediction) == 1, truth == 1
        return _intervals.proportion(int((given & has).sum()), int(given.sum()), level)
