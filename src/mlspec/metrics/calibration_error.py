"""By how much probabilities differ from what happens."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.metric import Metric

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

DRAWS = 1000
STEPS = 25  # errors that are tried
SEED = 20_210_610


class CalibrationError(Metric, frozen=True, kw_only=True):
    """The expected calibration error: rows are put into bins of equal width by the probability of the positive class,
    and the distance between each bin's mean predicted probability and its observed frequency is averaged over the rows.

    With more than two classes it compares the probability of the most probable class with how often it is correct (Guo
    et al. 2017). With few rows the distances are never zero, even for calibrated probabilities; what chance adds is
    subtracted (Kumar et al. 2019), and the interval is that of the error without it.

    Why: a predicted probability of 0.8 with an observed frequency of 0.5 misleads decisions.

    Example:
        metrics: [calibration_error: {bins: 15}]
    """

    version: ClassVar[int] = 2
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    greater_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    bins: Annotated[int, Meta(description="The number of bins of equal width.", ge=2, le=100)] = 10

    def score(self, truth: "Array", prediction: "Array") -> float:
        """Of class codes (n,) and probabilities (n, classes)."""
        gaps, errors, sizes = self._gaps(truth, prediction)
        return float(_debiased(gaps, errors) @ sizes / sizes.sum())

    def interval(self, truth: "Array", prediction: "Array", level: float) -> tuple[float, float] | str | None:
        """The errors under which distances like these are not rare: outcomes of each bin's rows are drawn under errors
        of several sizes.

        The lower end supposes that the error has the shape seen, the upper one that all bins have it alike, which
        hides it best.
        """
        import numpy as np

        gaps, errors, sizes = self._gaps(truth, prediction)
        probability, _, codes = self._binned(truth, prediction)
        shares = sizes / sizes.sum()
        seen = float(np.abs(gaps) @ shares)
        stated = np.bincount(codes, probability) / sizes
        most = min(1.0, 2 * seen + 4 * float(errors @ shares))
        shape = _debiased(gaps, errors)
        ends = []
        for apart, tail in ((shape if shape.any() else errors, (1 + level) / 2), (np.ones(len(gaps)), (1 - level) / 2)):
            random = np.random.default_rng(SEED)
            steps = np.linspace(0.0, most / float(apart @ shares), STEPS)[:, None]
            rates = np.clip(stated - np.where(gaps < 0, -1.0, 1.0) * steps * apart, 0.0, 1.0)
            drawn = random.binomial(sizes.astype(np.int64), rates, (DRAWS, *rates.shape)) / sizes
            found = np.quantile(np.abs(drawn - stated) @ shares, tail, axis=0)
            ends.append(float(np.interp(seen, np.maximum.accumulate(found), np.abs(rates - stated) @ shares)))
        return min(ends), max(ends)

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


def _debiased(gaps: "Array", errors: "Array") -> "Array":
    """The distances without what chance adds: from each square the error's (Kumar, Liang and Ma 2019)."""
    import numpy as np

    return np.asarray(np.sqrt(np.maximum(gaps**2 - errors**2, 0.0)))
