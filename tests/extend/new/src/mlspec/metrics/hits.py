"""Right answers."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np


class Hits(Metric, frozen=True, kw_only=True):
    """The share of right answers.

    Why: a test.

    Example:
        metrics: [hits]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def score(self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]") -> float:
        """The share."""
        return float((prediction.argmax(axis=1) == truth).mean())
