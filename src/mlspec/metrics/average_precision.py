"""The area under the precision-recall curve."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class AveragePrecision(Metric, frozen=True, kw_only=True):
    """The precision at each positive row's rank, averaged over the positive rows.

    Why: evaluates the top of the ranking, for rare positives; random guessing gives their share.

    Example:
        metrics: [average_precision]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by_class: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,), 1 the positive class, and probabilities (n, 2)."""
        from sklearn.metrics import average_precision_score

        if not (truth == 1).any():
            return float("nan")
        return float(average_precision_score(truth, prediction[:, 1]))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        return _resampling.average_precision(truth, prediction[:, 1], weights)

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """By the derivatives of the precision at each positive row's rank."""
        from mlspec.metrics import _ranking

        return _ranking.average_precision(truth == 1, prediction[:, 1])[1]

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized around the value less its bias; unknown where few rows are positive."""
        from mlspec.metrics import _ranking

        return _ranking.precision_interval(truth == 1, prediction[:, 1], self.score(truth, prediction), level)
