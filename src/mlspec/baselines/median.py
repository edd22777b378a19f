"""The median of the training rows."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.baseline import Baseline, BaselineRows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Median(Baseline, frozen=True, kw_only=True):
    """The median of the training rows' target for every row.

    Why: the constant with the lowest absolute error, which a few large values do not affect.

    Example:
        baselines: [median]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def predict(self, rows: BaselineRows) -> "tuple[Array, Array | None]":
        """The median (n,)."""
        import numpy as np

        return np.full(rows.test.height, np.median(rows.target)), None
