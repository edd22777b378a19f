"""What the mistakes of a decision cost per row."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class ExpectedCost(Metric, frozen=True, kw_only=True):
    """The mean cost per row of wrong decisions, with the costs in `project.users.mistakes`.

    If no threshold was chosen, the decision is the one with the lowest cost for calibrated probabilities (Elkan 2001):
    positive from false_positive / (false_positive + false_negative) on. The same holds for baselines.

    Why: decisions should be evaluated by what errors cost; accuracy treats all errors as equal.

    Example:
        metrics: [expected_cost: {false_positive: 1, false_negative: 5}]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))
    decides: ClassVar[bool] = True

    false_positive: Annotated[float, Meta(description="The cost of a false positive.", gt=0)] = 1.0
    false_negative: Annotated[float, Meta(description="The cost of a false negative.", gt=0)] = 1.0

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,), 1 the positive class, and probabilities or decisions (n, 2)."""
        return float(self._costs(truth, prediction).mean())

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        from mlspec.metrics import _resampling

        return _resampling.means(self._costs(truth, prediction), weights)

    def influences(self, truth: "Array", prediction: "Array") -> "Array | None":
        """The row's cost less the mean."""
        from mlspec.metrics import _intervals

        return _intervals.centred(self._costs(truth, prediction))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """From the exact ones of the shares of the two kinds of mistakes."""
        from mlspec.metrics import _intervals

        n, costs = len(truth), self._costs(truth, prediction)
        return _intervals.total(
            (price, count / n, _intervals.proportion(count, n, level))
            for price, count in (
                (self.false_positive, int(((costs > 0) & (truth != 1)).sum())),
                (self.false_negative, int(((costs > 0) & (truth == 1)).sum())),
            )
        )

    def _costs(self, truth: "Array", prediction: "Array") -> "Array":
        import numpy as np

        called = prediction[:, 1] >= self.false_positive / (self.false_positive + self.false_negative)
        wrongly, missed = called & (truth != 1), ~called & (truth == 1)
        return np.asarray(self.false_positive * wrongly + self.false_negative * missed, dtype=np.float64)
