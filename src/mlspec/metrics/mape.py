"""The mean absolute error as a share of the truth."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Mape(Metric, frozen=True, kw_only=True):
    """The mean absolute error as a share of the true value: 0.1 is ten percent off. Undefined if a true value is zero.

    Why: a size of error that everyone understands, whatever the target's unit.

    Example:
        metrics: [mape]
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of values (n,) and predicted values (n,)."""
        import numpy as np

        return float(np.mean(_shares(truth, prediction)))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        return _resampling.means(_shares(truth, prediction), weights)


def _shares(truth: "Array", prediction: "Array") -> "Array":
    import numpy as np

    if not truth.all():
        return np.full(len(truth), np.nan)
    found: Array = np.abs((truth - prediction) / truth)
    return found
