"""What a metric is: a score of predictions."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.base import Plugin

if TYPE_CHECKING:
    import numpy as np


class Metric(Plugin, frozen=True, kw_only=True):
    """A score of predictions. ``greater_is_better`` is its direction, ``bounds`` the values it can take.

    ``decides``: it judges decisions, not probabilities. Where a threshold is chosen, its predictions are the decisions:
    1 for the class decided for, 0 for the others.
    """

    tasks: ClassVar[frozenset[str]] = frozenset()
    greater_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (float("-inf"), float("inf"))
    decides: ClassVar[bool] = False

    @abstractmethod
    def score(self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]") -> float:
        """The score; ``truth`` is class codes or values (n,), ``prediction`` probabilities (n, classes) or values."""

    def resampled(
        self,
        truth: "np.ndarray[Any, Any]",
        prediction: "np.ndarray[Any, Any]",
        weights: "np.ndarray[Any, Any]",
    ) -> "np.ndarray[Any, Any] | None":
        """Scores under each row of ``weights`` (replicates, n) for the bootstrap; None to let ``score`` be repeated."""
        return None

    def interval(
        self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]", level: float
    ) -> tuple[float, float] | None:
        """An interval in closed form (a proportion's, say); None where the bootstrap is to be used."""
        return None
