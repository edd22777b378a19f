"""How much each row weighs when a model is fitted: by its own weight, and by its class."""

from typing import TYPE_CHECKING, Any, Literal

from mlspec.plugin import Training

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def fitting(training: Training, class_weight: Literal["balanced"] | None) -> "tuple[Array | None, Array | None]":
    """Weights (n,) of the training rows and of the validation rows; None where all weigh the same.

    ``balanced``: each class that the training rows have weighs the same there, and validation rows weigh by their
    class's share among the training rows, so that fitting stops by the loss that it is about.
    """
    import numpy as np

    if class_weight is None or not training.classes:
        return training.weights, training.validation_weights
    own = np.ones(len(training.target)) if training.weights is None else training.weights
    totals = np.bincount(training.target, own, minlength=training.classes)
    factors = totals.sum() / ((totals > 0).sum() * np.where(totals > 0, totals, 1.0))
    watched = training.validation_weights
    watched = np.ones(len(training.validation_target)) if watched is None else watched
    return own * factors[training.target], watched * factors[training.validation_target]
