"""A linear model for every task."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.models import logistic_regression, ridge
from mlspec.plugins.model import Model, Predictor, Training

if TYPE_CHECKING:
    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph


class Linear(Model, frozen=True, kw_only=True):
    """A linear model with an L2 penalty, for every task: `logistic_regression` for classes, `ridge` for a number.

    Why: it does not need many rows, and its errors differ from those of trees, so that it is of use in a blend.

    Example:
        linear: {type: linear, penalty: 10}
    """

    complexity: ClassVar[int] = 1
    worth: ClassVar[float] = 0.5
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = logistic_regression.LogisticRegression.libraries
    holds: ClassVar[float] = 0.1
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = logistic_regression.LogisticRegression.preparation
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {"penalty": {"log": [1e-2, 1e4]}}

    penalty: Annotated[
        float, Meta(description="Strength of the L2 penalty: `1 / C` for classes, `alpha` for a number.", gt=0)
    ] = 1.0

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save the model of the task; its history."""
        if training.classes:
            return logistic_regression.LogisticRegression(C=1 / self.penalty).fit(training, folder)
        return ridge.Ridge(alpha=self.penalty).fit(training, folder)

    def rounds_found(self, history: Mapping[str, Any]) -> "Linear":
        """The same: no validation row has a part in a fit."""
        return self

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec import sklearnkit

        return sklearnkit.load(folder, (*logistic_regression.TYPES, *ridge.TYPES))

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The weights."""
        from mlspec.sklearnkit import onnx_forms

        return onnx_forms.linear(folder, (*logistic_regression.TYPES, *ridge.TYPES), graph, features)
