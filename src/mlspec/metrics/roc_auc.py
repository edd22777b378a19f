"""The area under the ROC curve."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class RocAuc(Metric, frozen=True, kw_only=True):
    """The probability that a positive row is ranked above a negative one.

    With more than two classes it is each class against the rest, averaged.

    Why: evaluates only the ranking, whatever the threshold and however rare the positives; random guessing gives 0.5.

    Example:
        metrics: [roc_auc]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by_class: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        import numpy as np
        from sklearn.metrics import roc_auc_score

        if len(np.unique(truth)) < prediction.shape[1]:
            return float("nan")
        if prediction.shape[1] == 2:
            return float(roc_auc_score(truth, prediction[:, 1]))
        return float(
            np.mean([roc_auc_score(truth == code, prediction[:, code]) for code in range(prediction.shape[1])])
        )

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        from mlspec.metrics import _resampling

        if prediction.shape[1] == 2:
            return _resampling.area_under_roc(truth, prediction[:, 1], weights)
        areas = [
            _resampling.area_under_roc((truth == code).astype(int), prediction[:, code], weights)
            for code in range(prediction.shape[1])
        ]
        return np.asarray(np.mean(areas, axis=0))

    def influences(self, truth: "Array", prediction: "Array") -> "Array":
        """The placement of each row among those of the other class (DeLong, DeLong and Clarke-Pearson 1988)."""
        import numpy as np

        from mlspec.metrics import _ranking

        codes = (1,) if prediction.shape[1] == 2 else range(prediction.shape[1])
        return np.asarray(
            np.mean([_ranking.placements(truth == code, prediction[:, code])[1] for code in codes], axis=0)
        )

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized by the placements; where the ranking has few errors no shorter than Newcombe's (2006); unknown
        where a class has few rows."""
        import numpy as np

        from mlspec.metrics import _ranking

        _, rows = np.unique(truth, return_counts=True)
        return _ranking.area_interval(self.score(truth, prediction), self.influences(truth, prediction), rows, level)
