"""The mean of the training rows."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.baseline import Baseline, BaselineRows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Mean(Baseline, frozen=True, kw_only=True):
    """The mean of the training rows' target for every row.

    Why: the constant with the lowest squared error; a model that is no better has learnt nothing.

    Example:
        baselines: [mean]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})

    def predict(self, rows: BaselineRows) -> "tuple[Array, Array | None]":
        """The mean (n,)."""
        import numpy as np

        return np.full(rows.test.height, rows.target.mean()), None
