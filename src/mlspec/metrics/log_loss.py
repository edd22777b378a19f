"""The mean negative log of the right class's probability."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class LogLoss(Metric, frozen=True, kw_only=True):
    """The mean negative logarithm of the predicted probability of the correct class.

    Why: rewards calibrated probabilities, and punishes confident errors.

    Example:
        metrics: [log_loss]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        from sklearn.metrics import log_loss

        return float(
            log_loss(truth, prediction / prediction.sum(axis=1, keepdims=True), labels=range(prediction.shape[1]))
        )

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        return _resampling.means(_losses(truth, prediction), weights)

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The row's loss less the mean."""
        from mlspec.metrics import _intervals

        return _intervals.centred(_losses(truth, prediction))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized; unknown where few rows are wrong, which carry the loss."""
        from mlspec.metrics import _intervals

        return _intervals.few_wrong(truth, prediction) or None

    def unseen(self, truth: "Array", prediction: "Array", level: float) -> float | None:
        """What rows add where the second most probable class is the right one."""
        from mlspec.metrics import _intervals

        return _intervals.unseen(truth, prediction, _losses(prediction.argsort(axis=1)[:, -2], prediction), level)


def _losses(truth: "Array", prediction: "Array") -> "Array":
    import numpy as np

    given = prediction[np.arange(len(truth)), truth] / prediction.sum(axis=1)
    tiny = np.finfo(prediction.dtype).eps
    return np.asarray(-np.log(np.clip(given, tiny, 1 - tiny)))
