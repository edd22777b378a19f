"""The rarest class."""

from typing import TYPE_CHECKING, Any, ClassVar

from mlspec.plugins.baseline import Baseline, BaselineRows

if TYPE_CHECKING:
    import numpy as np


class Rarest(Baseline, frozen=True, kw_only=True):
    """Always the class that the fewest training rows have.

    Why: a model that can't beat it has learned nothing at all.

    Example:
        baselines: [rarest]
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})

    def predict(self, rows: BaselineRows) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]":
        """1 for that class, 0 for the others."""
        import numpy as np

        found = np.zeros((rows.test.height, rows.classes))
        found[:, np.bincount(rows.target, minlength=rows.classes).argmin()] = 1
        return found, None
