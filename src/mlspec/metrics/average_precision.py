"""The area under the precision-recall curve."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Ends, Findings, Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class AveragePrecision(Metric, frozen=True, kw_only=True):
    """The precision at each positive row's rank, averaged over the positive rows.

    Why: evaluates the top of the ranking, for rare positives; random guessing gives their share.

    Example:
        metrics: [average_precision]
    """

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by_class: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,), 1 the positive class, and probabilities (n, 2)."""
        from mlspec.metrics import _ranking

        return _ranking.average_precision(truth == 1, prediction[:, 1]).value

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        return _resampling.average_precision(truth, prediction[:, 1], weights)

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """By the derivatives of the precision at each positive row's rank."""
        from mlspec.metrics import _ranking

        return _ranking.average_precision(truth == 1, prediction[:, 1]).influences

    def interval(self, truth: "Array", prediction: "Array", level: float) -> Ends:
        """Studentized around the value less its bias; unknown where few rows are positive."""
        return self.findings(truth, prediction, level).interval

    def findings(self, truth: "Array", prediction: "Array", level: float) -> Findings:
        """All three by one sort of the rows."""
        import numpy as np

        from mlspec.metrics import _ranking

        found = _ranking.average_precision(truth == 1, prediction[:, 1])
        positive = int(np.count_nonzero(truth == 1))
        return Findings(found.value, found.influences, _ranking.precision_interval(found, positive, level))
