"""What baselines of classes share."""

from typing import TYPE_CHECKING, Any

from mlspec.plugins.baseline import BaselineRows

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def shares(rows: BaselineRows) -> "Array":
    """The share of each class among the training rows."""
    import numpy as np

    return np.bincount(rows.target, minlength=rows.classes) / len(rows.target)
