"""The mean absolute error."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Mae(Metric, frozen=True, kw_only=True):
    """The mean absolute error, in the target's unit.

    Why: the typical size of an error; a few large errors do not dominate it.

    Example:
        metrics: [mae]
    """

    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of values (n,) and predicted values (n,)."""
        from sklearn.metrics import mean_absolute_error

        return float(mean_absolute_error(truth, prediction))

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        from mlspec.metrics import _resampling

        return _resampling.means(np.abs(truth - prediction), weights)

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The row's error less the mean."""
        import numpy as np

        from mlspec.metrics import _intervals

        return _intervals.centred(np.abs(truth - prediction))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """Studentized; unknown where few rows carry the error."""
        import numpy as np

        from mlspec.metrics import _intervals

        return _intervals.mean_loss(np.abs(truth - prediction), level)
