"""Rows to scikit-learn's estimators that learn piece by piece."""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.models._sklearn import plain
from mlspec.plugins.model import Features, Training
from mlspec.torchkit.row_weights import row_weights, stopping_weights

if TYPE_CHECKING:
    import numpy as np

    from mlspec.models.sgd import Sgd

    Array = np.ndarray[Any, Any]

PIECE = 16 * 1024 * 1024  # bytes of a piece


def fit(model: "Sgd", training: Training) -> "tuple[Any, dict[str, Any]]":
    """The fitted estimator, with the weights of its best pass, and the history.

    Each pass takes the pieces in another order and the rows of a piece in another one, both from the seed and the pass.
    Raises StepError where the numbers are not finite or the weights grow without bound.
    """
    import numpy as np
    from sklearn.linear_model import SGDClassifier, SGDRegressor
    from threadpoolctl import threadpool_limits

    # The target of a regression is scaled, so that the learning rate means the same whatever its unit.
    centre, spread = 0.0, 1.0
    if not training.classes:
        centre, spread = float(training.target.mean()), float(training.target.std()) or 1.0
    target = training.target if training.classes else (training.target - centre) / spread
    cls = SGDClassifier if training.classes else SGDRegressor
    estimator = cls(
        loss="log_loss" if training.classes else "squared_error",
        penalty="l2" if model.alpha else None,
        alpha=model.alpha or 1e-4,
        learning_rate="invscaling",
        eta0=model.learning_rate,
        power_t=0.25,
        random_state=training.seed,
    )
    weights = row_weights(training, model.class_weight)
    held = stopping_weights(training, model.class_weight)
    places = list(_places(training.features))
    more: dict[str, Any] = {"classes": np.arange(training.classes)} if training.classes else {}
    losses: list[float] = []
    best: tuple[Array, Array] | None = None
    with warnings.catch_warnings(), threadpool_limits(limits=training.threads):
        warnings.simplefilter("ignore")
        for epoch in range(model.epochs):
            order = np.random.Generator(np.random.PCG64([training.seed, epoch])).permutation(len(places))
            for number, place in enumerate(order):
                part = places[place]
                rows = _cut(training.features, part)
                own = None if weights is None else weights[part]
                try:
                    estimator.partial_fit(plain(rows), target[part], sample_weight=own, **more)
                except ValueError as error:
                    raise StepError(f"{cls.__name__} could not be fitted: {error}") from error
                training.features.forget()
                share = (epoch + (number + 1) / len(places)) / model.epochs
                training.progress(f"pass {epoch + 1} of at most {model.epochs}", share, {})
            if not np.isfinite(estimator.coef_).all():
                raise StepError("the weights grow without bound: lower learning_rate", "learning_rate")
            if len(training.validation_target):
                losses.append(_loss(estimator, training, (training.validation_target - centre) / spread, held))
                if losses[-1] == min(losses) and losses.count(losses[-1]) == 1:
                    best = estimator.coef_.copy(), estimator.intercept_.copy()
                if len(losses) - 1 - int(np.argmin(losses)) >= model.patience:
                    break
    if best is not None:
        estimator.coef_, estimator.intercept_ = best
    if not training.classes:
        estimator.coef_ = estimator.coef_ * spread
        estimator.intercept_ = estimator.intercept_ * spread + centre
    chosen = {"best_epoch": int(np.argmin(losses)) + 1} if losses else {}
    return estimator, {"epochs": epoch + 1, "validation_loss": losses, **chosen}


def _places(features: Features) -> "Iterator[slice]":
    """The pieces of the rows, whose length follows from the number of columns."""
    count, width = len(features.numeric), features.numeric.shape[1] + features.codes.shape[1]
    size = max(1, PIECE // (4 * max(1, width)))
    for at in range(0, count, size):
        yield slice(at, min(count, at + size))


def _cut(features: Features, part: slice) -> Features:
    import msgspec

    return msgspec.structs.replace(features, numeric=features.numeric[part], codes=features.codes[part])


def _loss(estimator: Any, training: Training, target: "Array", weights: "Array | None") -> float:
    """The mean loss on the validation rows: the log loss, or the squared error of the scaled target."""
    import numpy as np

    total = mass = 0.0
    for part in _places(training.validation):
        rows = plain(_cut(training.validation, part))
        if training.classes:
            found = estimator.predict_proba(rows)[np.arange(len(rows)), training.validation_target[part]]
            each = -np.log(np.clip(found, 1e-12, 1.0))
        else:
            each = (estimator.predict(rows) - target[part]) ** 2
        own = np.ones(len(rows)) if weights is None else weights[part]
        total, mass = total + float(each @ own), mass + float(own.sum())
        training.validation.forget()
    return total / mass
