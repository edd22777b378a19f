"""The root of the mean squared error of the logarithms."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class RmseLog(Metric, frozen=True, kw_only=True):
    """The root of the mean squared error of the natural logarithms: 0.1 is about ten percent off.

    Undefined if a true value is not above zero; a prediction that is not above zero counts as the smallest positive
    number.

    Why: for prices, sizes and counts, a relative error is equally bad for small and large values.

    Example:
        metrics: [rmse_log]
    """

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of values (n,) and predicted values (n,)."""
        import numpy as np

        return float(np.sqrt(np.mean(_errors(truth, prediction))))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        from mlspec.metrics import _resampling

        return np.sqrt(_resampling.means(_errors(truth, prediction), weights))

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The row's squared error less the mean, over twice the root."""
        import numpy as np

        squares = _errors(truth, prediction)
        mean = squares.mean()
        return np.asarray((squares - mean) / (2 * np.sqrt(mean) or 1.0))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """The root of the mean squared error's, which is studentized; unknown where few rows carry the error."""
        from mlspec.metrics import _intervals

        ends = _intervals.mean_loss(_errors(truth, prediction), level)
        return ends if isinstance(ends, str) else (ends[0] ** 0.5, ends[1] ** 0.5)


def _errors(truth: "Array", prediction: "Array") -> "Array":
    import numpy as np

    if not (truth > 0).all():
        return np.full(len(truth), np.nan)
    found: Array = (np.log(truth) - np.log(np.maximum(prediction, np.finfo(np.float64).tiny))) ** 2
    return found
