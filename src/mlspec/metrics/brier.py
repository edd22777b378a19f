"""The mean squared error of probabilities."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Brier(Metric, frozen=True, kw_only=True):
    """The mean squared difference between the predicted probability of the positive class and the outcome.

    With more than two classes the squares are summed over the classes.

    Why: like log_loss it rewards calibrated probabilities, but it is bounded, so a few rows cannot dominate it.

    Example:
        metrics: [brier]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        return float(_squares(truth, prediction).mean())

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        return _resampling.means(_squares(truth, prediction), weights)

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The row's loss less the mean."""
        from mlspec.metrics import _intervals

        return _intervals.centred(_squares(truth, prediction))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized; unknown where few rows are wrong, which carry the loss."""
        from mlspec.metrics import _intervals

        return _intervals.few_wrong(truth, prediction) or None

    def unseen(self, truth: "Array", prediction: "Array", level: float) -> float | None:
        """What rows add where the second most probable class is the right one."""
        from mlspec.metrics import _intervals

        return _intervals.unseen(truth, prediction, _squares(prediction.argsort(axis=1)[:, -2], prediction), level)


def _squares(truth: "Array", prediction: "Array") -> "Array":
    import numpy as np

    if prediction.shape[1] == 2:
        return np.asarray((prediction[:, 1] - (truth == 1)) ** 2)
    happened = truth[:, None] == np.arange(prediction.shape[1])
    return np.asarray(((prediction - happened) ** 2).sum(axis=1))
