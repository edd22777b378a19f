"""The root of the mean squared error."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Rmse(Metric, frozen=True, kw_only=True):
    """The root of the mean squared error, in the target's unit.

    Why: the typical size of an error; large errors count more.

    Example:
        metrics: [rmse]
    """

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of values (n,) and predicted values (n,)."""
        from sklearn.metrics import root_mean_squared_error

        return float(root_mean_squared_error(truth, prediction))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        from mlspec.metrics import _resampling

        return np.sqrt(_resampling.means((truth - prediction) ** 2, weights))

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The row's squared error less the mean, over twice the root."""
        import numpy as np

        squares = (truth - prediction) ** 2
        mean = squares.mean()
        return np.asarray((squares - mean) / (2 * np.sqrt(mean) or 1.0))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """The root of the mean squared error's, which is studentized; unknown where few rows carry the error."""
        from mlspec.metrics import _intervals

        ends = _intervals.mean_loss((truth - prediction) ** 2, level)
        return ends if isinstance(ends, str) else (ends[0] ** 0.5, ends[1] ** 0.5)
