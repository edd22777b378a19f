"""How much training rows count."""

from typing import TYPE_CHECKING, Any

from mlspec.plugin import Training

if TYPE_CHECKING:
    import numpy as np


def row_weights(training: Training, class_weight: str | None = None) -> "np.ndarray[Any, Any] | None":
    """How much each row counts (n,), 1 on average: as the spec says, times what makes classes count the same where that
    is asked for; None where all count the same."""
    import numpy as np

    found = training.weights
    if class_weight == "balanced" and training.classes:
        plain = np.ones(len(training.target)) if found is None else found
        mass = np.bincount(training.target, weights=plain, minlength=training.classes)
        shares = plain.sum() / (np.count_nonzero(mass) * np.where(mass > 0, mass, 1.0))
        found = plain * shares[training.target]
    return None if found is None else np.asarray(found * (len(found) / found.sum()))
