"""By how much probabilities differ from what happens."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

DRAWS = 2000
SEED = 20_210_610


class CalibrationError(Metric, frozen=True, kw_only=True):
    """The expected calibration error: rows are put into bins of equal width by the probability of the positive class,
    and the distance between each bin's mean predicted probability and its observed frequency is averaged over the rows.

    With more than two classes it compares the probability of the most probable class with how often it is correct (Guo
    et al. 2017). With few rows the error is never zero, even for calibrated probabilities; the lower end of the
    interval is corrected for that, and is zero if calibrated probabilities would often give the same error.

    Why: a predicted probability of 0.8 with an observed frequency of 0.5 misleads decisions.

    Example:
        metrics: [calibration_error: {bins: 15}]
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy",)
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    bins: Annotated[int, Meta(description="The number of bins of equal width.", ge=2, le=100)] = 10

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        import numpy as np

        gaps, _, sizes = self._gaps(truth, prediction)
        return float(np.abs(gaps) @ sizes / sizes.sum())

    def resampled(self, truth: "Array", prediction: "Array", weights: "Array") -> "Array | None":
        """The same under each row of ``weights``."""
        import numpy as np

        stated, happened, codes = self._binned(truth, prediction)
        member = (codes[:, None] == np.arange(codes.max() + 1)).astype(weights.dtype)
        apart = weights @ (member * (stated - happened)[:, None])
        return np.asarray(np.abs(apart).sum(axis=1) / weights.sum(axis=1))

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | None:
        """From normal errors of each bin's distance; the lower end is corrected for the bias of absolute values."""
        import numpy as np

        gaps, errors, sizes = self._gaps(truth, prediction)
        noise = np.random.default_rng(SEED).standard_normal((DRAWS, len(gaps)))
        drawn = np.abs(gaps + errors * noise) @ sizes / sizes.sum()
        value = float(np.abs(gaps) @ sizes / sizes.sum())
        high = float(np.quantile(drawn, (1 + level) / 2))
        # What right probabilities would give on so many rows: an error no greater than that may be none at all.
        chance = float(np.quantile(np.abs(errors * noise) @ sizes / sizes.sum(), (1 + level) / 2))
        return 0.0 if value <= chance else max(0.0, 2 * value - high), min(1.0, high)

    def _gaps(self, truth: "Array", prediction: "Array") -> "tuple[Array, Array, Array]":
        """Of each bin: mean probability less share of positives, its standard error, its rows."""
        import numpy as np

        stated, happened, codes = self._binned(truth, prediction)
        sizes = np.bincount(codes).astype(np.float64)
        gaps = np.bincount(codes, stated - happened) / sizes
        squares = np.bincount(codes, (stated - happened) ** 2) / sizes
        # A bin in which nothing differs is not a certain one: a row more could differ.
        spread = np.maximum(squares - gaps**2, 1.0 / (sizes + 2.0) ** 2)
        return gaps, np.sqrt(spread / sizes), sizes

    def _binned(self, truth: "Array", prediction: "Array") -> "tuple[Array, Array, Array]":
        """Stated probability, whether it happened, and the bin, of each row."""
        import numpy as np

        from mlspec.metrics import _resampling

        stated, happened = _resampling.confidence(truth, prediction)
        bins = np.minimum((stated * self.bins).astype(np.int64), self.bins - 1)
        return stated, happened, np.unique(bins, return_inverse=True)[1]
