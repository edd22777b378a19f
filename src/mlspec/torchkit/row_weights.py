"""How much rows count when a model is fitted, and in the loss by which it stops."""

from typing import TYPE_CHECKING, Any

from mlspec.plugins.model import Training

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def row_weights(training: Training, class_weight: str | None = None) -> "Array | None":
    """How much each row counts (n,), 1 on average: as the spec says, times what makes classes count the same where that
    is asked for; None where all count the same."""
    found = training.weights
    if class_weight == "balanced" and training.classes:
        plain, shares = _balance(training)
        found = plain * shares[training.target]
    return _scaled(found)


def stopping_weights(training: Training, class_weight: str | None = None) -> "Array | None":
    """The same of the validation rows, classes by their shares among the training rows: what is watched is the loss
    that is learned by."""
    import numpy as np

    found = training.validation_weights
    if class_weight == "balanced" and training.classes:
        _plain, shares = _balance(training)
        plain = np.ones(len(training.validation_target)) if found is None else found
        found = plain * shares[training.validation_target]
    return _scaled(found)


def _balance(training: Training) -> "tuple[Array, Array]":
    """The training rows' own weights, and by how much each class's rows are to count more."""
    import numpy as np

    plain = np.ones(len(training.target)) if training.weights is None else training.weights
    mass = np.bincount(training.target, weights=plain, minlength=training.classes)
    return plain, plain.sum() / (np.count_nonzero(mass) * np.where(mass > 0, mass, 1.0))


def _scaled(weights: "Array | None") -> "Array | None":
    import numpy as np

    return None if weights is None or not len(weights) else np.asarray(weights * (len(weights) / weights.sum()))
