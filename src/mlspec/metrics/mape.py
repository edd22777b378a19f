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

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
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

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The row's error less the mean."""
        from mlspec.metrics import _intervals

        return _intervals.centred(_shares(truth, prediction))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized; unknown where few rows carry the error."""
        from mlspec.metrics import _intervals

        return _intervals.mean_loss(_shares(truth, prediction), level)


def _shares(truth: "Array", prediction: "Array") -> "Array":
    import numpy as np

    if not truth.all():
        return np.full(len(truth), np.nan)
    found: Array = np.abs((truth - prediction) / truth)
    return found
