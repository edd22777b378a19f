"""What a metric is: a score of predictions."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from mlspec.plugins.base import Plugin

if TYPE_CHECKING:
    import numpy as np


Ends = tuple[float, float] | str | None


class Findings(NamedTuple):
    """What ``score``, ``influences`` and ``interval`` give for the same predictions."""

    value: float
    influences: "np.ndarray[Any, Any] | None"
    interval: Ends


class Metric(Plugin, frozen=True, kw_only=True):
    """A score of predictions. ``greater_is_better`` is its direction, ``bounds`` the values it can take.

    ``decides``: it judges decisions, not probabilities. Where a threshold is chosen, its predictions are the decisions:
    1 for the class decided for, 0 for the others. ``by_class``: it rests on means of each class, however rare that is.
    """

    tasks: ClassVar[frozenset[str]] = frozenset()
    greater_is_better: ClassVar[bool] = True
    bounds: ClassVar[tuple[float, float]] = (float("-inf"), float("inf"))
    decides: ClassVar[bool] = False
    by_class: ClassVar[bool] = False

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

    def influences(
        self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]"
    ) -> "np.ndarray[Any, Any] | None":
        """How much each row moves the score (n,): the mean is 0, and the score's error is about the mean over rows.

        They are n times the derivatives of the score by the weights of the rows. None: the bootstrap is used.
        """
        return None

    def interval(self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]", level: float) -> Ends:
        """The ends of an interval in closed form (a proportion's, say), or in words why these rows can't give one.

        None: it follows from the influences.
        """
        return None

    def unseen(self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]", level: float) -> float | None:
        """By how much the score may be worse than these rows show, where ``interval`` says that few rows carry it; None
        where that is not known."""
        return None

    def findings(
        self, truth: "np.ndarray[Any, Any]", prediction: "np.ndarray[Any, Any]", level: float
    ) -> Findings | None:
        """Score, influences and interval by one pass over the rows; None: they are asked for one at a time."""
        return None
