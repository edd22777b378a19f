"""A linear model that takes rows piece by piece."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.model import Model, Predictor, Training


class Sgd(Model, frozen=True, kw_only=True):
    """A linear model of class probabilities or of a number, fitted by stochastic gradient descent (scikit-learn's
    SGDClassifier with the log loss, and SGDRegressor; Bottou 2010).

    Rows are taken piece by piece, so that a table larger than the memory can be learned from. After each pass the loss
    on the validation rows is measured; the weights of the best pass are kept.

    Why: it is the linear model for tables that do not fit into memory; on smaller ones `logistic_regression` and
    `ridge` find the same weights without a learning rate.

    Example:
        linear: {type: sgd, epochs: 5}
    """

    complexity: ClassVar[int] = 1
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy", "skops")
    holds: ClassVar[float] = 0.0
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [{"impute": "median"}, {"scale": "standard"}],
        "category": [{"encode": "one_hot"}],
        "date": ["date_parts", {"impute": "median"}, {"scale": "standard"}],
    }
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "alpha": {"log": [1e-7, 1e-1]},
        "learning_rate": {"log": [1e-4, 0.3]},
    }

    alpha: Annotated[float, Meta(description="The strength of the L2 penalty.", ge=0)] = 1e-5
    learning_rate: Annotated[
        float, Meta(description="The first step's rate; it falls with the fourth root of the steps.", gt=0, le=10)
    ] = 0.03
    epochs: Annotated[int, Meta(description="Passes over the training rows at most.", ge=1, le=100_000)] = 20
    patience: Annotated[
        int, Meta(description="Passes without a better validation loss before stopping.", ge=1, le=10_000)
    ] = 3
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; equal rows if left out."),
    ] = None

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save with skops; the history holds the validation loss after each pass."""
        from mlspec.models import _sgd, _skops

        estimator, history = _sgd.fit(self, training)
        _skops.save(estimator, folder, classes=training.classes)
        return history

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec.models import _skops

        module = "linear_model._stochastic_gradient"
        return _skops.load(folder, (f"{module}.SGDClassifier", f"{module}.SGDRegressor"))
