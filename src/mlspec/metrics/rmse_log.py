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

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
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


def _errors(truth: "Array", prediction: "Array") -> "Array":
    import numpy as np

    if not (truth > 0).all():
        return np.full(len(truth), np.nan)
    found: Array = (np.log(truth) - np.log(np.maximum(prediction, np.finfo(np.float64).tiny))) ** 2
    return found
