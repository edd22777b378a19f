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

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
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

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The mean of those of each class's ratio."""
        import numpy as np

        from mlspec.metrics import _intervals, _resampling

        classes = np.arange(prediction.shape[1])
        given, has = _resampling.labels(prediction)[:, None] == classes, truth[:, None] == classes
        return np.asarray(_intervals.ratio(2.0 * (given & has), 1.0 * given + has).mean(axis=1))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized; where a class has few rows that are right or wrong, the sum of the classes' exact ones."""
        from mlspec.metrics import _intervals, _resampling

        codes, parts, fewest = _resampling.labels(prediction), [], float("inf")
        for code in range(prediction.shape[1]):
            right = int(((codes == code) & (truth == code)).sum())
            either = int(((codes == code) | (truth == code)).sum())
            if not either:
                return "a class has no rows"
            low, high = _intervals.proportion(right, either, level)
            ends = 2 * low / (1 + low), 2 * high / (1 + high)
            # A wrong row counts in two classes, so that their errors add up: by the root of 2 at most.
            parts.append((2**0.5 / prediction.shape[1], 2 * right / (right + either), ends))
            fewest = min(fewest, right, either - right)
        if fewest >= _intervals.CARRYING:
            return None
        value = sum(part[1] for part in parts) / len(parts)
        low, high = _intervals.total(parts)
        return max(0.0, low - (2**0.5 - 1) * value), min(1.0, high - (2**0.5 - 1) * value)
