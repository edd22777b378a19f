"""The share of positive rows that are found."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Recall(Metric, frozen=True, kw_only=True):
    """The share of positive rows that are predicted positive, at the most probable class.

    Why: the share of cases that are found.

    Example:
        metrics: [recall]
    """

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by_class: ClassVar[bool] = True
    decides: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,), 1 the positive class, and probabilities (n, 2)."""
        from sklearn.metrics import recall_score

        from mlspec.metrics import _resampling

        if not (truth == 1).any():
            return float("nan")
        return float(recall_score(truth, _resampling.labels(prediction), zero_division=0.0))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        right, _, has = (part[:, 1] for part in _resampling.counts(truth, prediction, weights))
        return _resampling.ratio(right, has)

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """By the ratio's derivatives."""
        from mlspec.metrics import _intervals, _resampling

        given, has = _resampling.labels(prediction) == 1, truth == 1
        return _intervals.ratio(given & has, has)

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """The exact one, of a proportion of the positive rows."""
        from mlspec.metrics import _intervals, _resampling

        given, has = _resampling.labels(prediction) == 1, truth == 1
        return _intervals.proportion(int((given & has).sum()), int(has.sum()), level)
