"""The mean of the classes' recalls."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class BalancedAccuracy(Metric, frozen=True, kw_only=True):
    """The recall of each class, averaged over the classes.

    Why: every class counts the same, however rare; random guessing gives 1 / classes.

    Example:
        metrics: [balanced_accuracy]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by_class: ClassVar[bool] = True
    decides: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        from sklearn.metrics import recall_score

        from mlspec.metrics import _resampling

        given = _resampling.labels(prediction)
        return float(recall_score(truth, given, labels=sorted(set(truth.tolist())), average="macro", zero_division=0.0))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        from mlspec.metrics import _resampling

        right, _, has = _resampling.counts(truth, prediction, weights)
        present = has > 0
        recalls = _resampling.ratio(right, has)
        return np.asarray(recalls.sum(axis=1) / present.sum(axis=1))

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The mean of those of each class's recall."""
        import numpy as np

        from mlspec.metrics import _intervals, _resampling

        has = truth[:, None] == np.unique(truth)
        right = has & (_resampling.labels(prediction) == truth)[:, None]
        return np.asarray(_intervals.ratio(right, has).mean(axis=1))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """From the exact ones of the classes' recalls, which are of different rows."""
        import numpy as np

        from mlspec.metrics import _intervals, _resampling

        classes, rows = np.unique(truth, return_counts=True)
        if len(classes) < prediction.shape[1]:
            return "a class has no rows"
        right = _resampling.labels(prediction) == truth
        found = [int(right[truth == code].sum()) for code in classes]
        return _intervals.total(
            (1 / len(rows), k / n, _intervals.proportion(k, n, level))
            for k, n in zip(found, rows.tolist(), strict=True)
        )
