"""The area under the ROC curve."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Ends, Findings, Metric

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

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    by_class: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        return self._placed(truth, prediction)[0]

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
        return self._placed(truth, prediction)[1]

    def interval(self, truth: "Array", prediction: "Array", level: float) -> Ends:
        """Studentized by the placements; where the ranking has few errors no shorter than Newcombe's (2006); unknown
        where a class has few rows."""
        return self.findings(truth, prediction, level).interval

    def findings(self, truth: "Array", prediction: "Array", level: float) -> Findings:
        """All three by one sort of the rows for each class."""
        import numpy as np

        from mlspec.metrics import _ranking

        area, influences = self._placed(truth, prediction)
        if np.isnan(area):
            return Findings(area, influences, "a class has no row")
        _, rows = np.unique(truth, return_counts=True)
        return Findings(area, influences, _ranking.area_interval(area, influences, rows, level))

    def _placed(self, truth: "Array", prediction: "Array") -> "tuple[float, Array]":
        """The area and its influences (n,); NaN where a class has no row."""
        import numpy as np

        from mlspec.metrics import _ranking

        codes = (1,) if prediction.shape[1] == 2 else range(prediction.shape[1])
        areas, influences = zip(
            *(_ranking.placements(truth == code, prediction[:, code]) for code in codes), strict=True
        )
        return float(np.mean(areas)), np.asarray(np.mean(influences, axis=0))
