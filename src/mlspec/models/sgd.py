"""A linear model that takes rows piece by piece."""

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from mlspec.diagnostics import StepError
from mlspec.models import _growth
from mlspec.plugins.model import Features, Model, Predictor, Training
from mlspec.sklearnkit.fitting import plain
from mlspec.torchkit.row_weights import row_weights, stopping_weights

if TYPE_CHECKING:
    import numpy as np

    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph

    Array = np.ndarray[Any, Any]

TYPES = (
    "sklearn.linear_model._stochastic_gradient.SGDClassifier",
    "sklearn.linear_model._stochastic_gradient.SGDRegressor",
)
PIECE = 16 * 1024 * 1024  # bytes of a piece


class Sgd(Model, frozen=True, kw_only=True):
    """A linear model of class probabilities or of a number, fitted by stochastic gradient descent (scikit-learn's
    SGDClassifier with the log loss, and SGDRegressor; Bottou 2010).

    Rows are processed in chunks, so the table can be larger than memory. After each pass the loss on the validation
    rows is computed; the weights of the best pass are kept.

    Why: the linear model for tables that do not fit into memory; on smaller ones `logistic_regression` and `ridge` find
    the same weights without a learning rate.

    Example:
        linear: {type: sgd, epochs: 5}
    """

    complexity: ClassVar[int] = 1
    worth: ClassVar[float] = 0.5
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy", "skops")
    holds: ClassVar[float] = 0.0
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [{"impute": "median"}, {"scale": "standard"}],
        "category": [{"group_rare": {"max_levels": 255}}, {"encode": "one_hot"}],
        "date": ["date_parts", {"impute": "median"}, {"scale": "standard"}],
    }
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "alpha": {"log": [1e-7, 1e-1]},
        "learning_rate": {"log": [1e-4, 0.3]},
    }

    alpha: Annotated[float, Meta(description="The strength of the L2 penalty.", ge=0)] = 1e-5
    learning_rate: Annotated[
        float,
        Meta(description="The initial learning rate; it decreases with the fourth root of the steps.", gt=0, le=10),
    ] = 0.03
    epochs: Annotated[int, Meta(description="Maximum number of passes over the training rows.", ge=1, le=100_000)] = 20
    patience: Annotated[
        int, Meta(description="Passes without a better validation loss before stopping.", ge=1, le=10_000)
    ] = 3
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
    ] = None

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save with skops; the history holds the validation loss after each pass."""
        from mlspec import sklearnkit

        estimator, history = _fit(self, training)
        sklearnkit.save(estimator, folder, TYPES, classes=training.classes)
        return history

    def rounds_found(self, history: Mapping[str, Any]) -> "Sgd":
        """As many passes as had the lowest validation loss."""
        return replace(self, epochs=history.get("best_epoch", self.epochs))

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec import sklearnkit

        return sklearnkit.load(folder, TYPES)

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The weights."""
        from mlspec.sklearnkit import onnx_forms

        return onnx_forms.linear(folder, TYPES, graph, features)


def _fit(model: "Sgd", training: Training) -> "tuple[Any, dict[str, Any]]":
    """The fitted estimator, with the weights of its best pass, and the history.

    Each pass takes the pieces in another order and the rows of a piece in another one, both from the seed and the pass.
    Raises StepError where the numbers are not finite or the weights grow without bound.
    """
    began = time.monotonic()
    import numpy as np
    from sklearn.linear_model import SGDClassifier, SGDRegressor
    from threadpoolctl import threadpool_limits

    left = training.countdown(began)
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
    is_over = False
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
                is_over = left() <= 0 and share < 1
                if is_over:
                    break
            if not np.isfinite(estimator.coef_).all():
                raise StepError("the weights grow without bound: lower learning_rate", "learning_rate")
            if len(training.validation_target):
                losses.append(_loss(estimator, training, (training.validation_target - centre) / spread, held))
                if losses[-1] == min(losses) and losses.count(losses[-1]) == 1:
                    best = estimator.coef_.copy(), estimator.intercept_.copy()
                if len(losses) - 1 - int(np.argmin(losses)) >= model.patience:
                    break
            if is_over:
                break
    if best is not None:
        estimator.coef_, estimator.intercept_ = best
    if not training.classes:
        estimator.coef_ = estimator.coef_ * spread
        estimator.intercept_ = estimator.intercept_ * spread + centre
    chosen = {"best_epoch": int(np.argmin(losses)) + 1} if losses else {}
    short = _growth.STOPPED if is_over else {}
    return estimator, {"epochs": epoch + 1, "validation_loss": losses, **chosen, **short}


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
