"""Fits estimators of scikit-learn's kind on a table's arrays."""

import warnings
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.plugins.model import Features, Training
from mlspec.torchkit.row_weights import row_weights

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def plain(features: Features) -> "Array":
    """Numbers, then codes, side by side: (n, d + c) float32."""
    import numpy as np

    if features.codes.shape[1] == 0:
        return features.numeric
    return np.concatenate([features.numeric, features.codes.astype(np.float32)], axis=1)


def fit(estimator: Any, training: Training, **extra: Any) -> list[str]:
    """Fit on the training rows, weighted as the spec says, with the threads given; the warnings that came up, each
    once. ``extra`` are further arguments of the estimator's ``fit``.

    Raises StepError when the estimator refuses the data.
    """
    from threadpoolctl import threadpool_limits

    weights = extra.pop("sample_weight", row_weights(training))
    if weights is not None:
        extra["sample_weight"] = weights
    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=training.threads):
        warnings.simplefilter("always")
        try:
            estimator.fit(plain(training.features), training.target, **extra)
        except ValueError as error:
            raise StepError(f"{type(estimator).__name__} could not be fitted: {error}") from error
    return sorted({str(one.message).partition("\n")[0] for one in caught})
