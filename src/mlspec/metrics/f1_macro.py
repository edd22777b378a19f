"""The mean of the classes' F1 scores."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class F1Macro(Metric, frozen=True, kw_only=True):
    """The F1 score of each class against the rest, averaged over the classes.

    Why: like f1, for several classes, each counting the same.

    Example:
        metrics: [f1_macro]
    """

    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    decides: ClassVar[bool] = True

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        from sklearn.metrics import f1_score

        from mlspec.metrics import _resampling

        every = list(range(prediction.shape[1]))
        return float(f1_score(truth, _resampling.labels(prediction), labels=every, average="macro", zero_division=0.0))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        from mlspec.metrics import _resampling

        right, given, has = _resampling.counts(truth, prediction, weights)
        return np.asarray(_resampling.ratio(2 * right, given + has).mean(axis=1))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | None:
        """Wilson's interval on the rarest class's rows where the score is 0 or 1, else None."""
        import numpy as np

        from mlspec.metrics import _resampling

        _, rows = np.unique(truth, return_counts=True)
        return _resampling.certain(self.score(truth, prediction), int(rows.min()), level)
