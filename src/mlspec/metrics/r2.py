"""The share of the variance that is explained."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class R2(Metric, frozen=True, kw_only=True):
    """One minus the squared error divided by that of always predicting the mean of these rows.

    Why: an error without a unit: 0 is no better than the mean, 1 is perfect, below 0 is worse.

    Example:
        metrics: [r2]
    """

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    bounds: ClassVar[tuple[float, float]] = (float("-inf"), 1.0)

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of values (n,) and predicted values (n,)."""
        from sklearn.metrics import r2_score

        return float(r2_score(truth, prediction)) if (truth != truth[0]).any() else float("nan")

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        from mlspec.metrics import _resampling

        error = _resampling.means((truth - prediction) ** 2, weights)
        centred = truth - truth.mean()
        spread = _resampling.means(centred**2, weights) - _resampling.means(centred, weights) ** 2
        full = spread > 0
        return np.where(full, 1 - error / np.where(full, spread, 1.0), np.nan)

    def influences(self, truth: "Array", prediction: "Array") -> "Array":
        """By the derivatives of both sums of squares."""
        import numpy as np

        squares, around = (truth - prediction) ** 2, (truth - truth.mean()) ** 2
        return np.asarray((around * squares.mean() / around.mean() - squares) / around.mean())

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized; unknown where few rows carry the error."""
        import numpy as np

        from mlspec.metrics import _intervals

        if len(truth) < 2 or not (truth != truth[0]).any():
            return None
        why = _intervals.heavy((truth - prediction) ** 2)
        return why or _intervals.heavy(np.abs(self.influences(truth, prediction))) or None
