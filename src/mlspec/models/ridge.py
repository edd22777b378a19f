"""Ridge regression."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.model import Model, Predictor, Training

if TYPE_CHECKING:
    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph

TYPES = ("sklearn.linear_model._ridge.Ridge",)


class Ridge(Model, frozen=True, kw_only=True):
    """A linear model of a number with an L2 penalty (scikit-learn's Ridge).

    Why: the regression that others must beat: exact, fast, and stable with correlated columns.

    Example:
        linear: {type: ridge, alpha: 10}
    """

    complexity: ClassVar[int] = 1
    worth: ClassVar[float] = 0.5
    tasks: ClassVar[frozenset[str]] = frozenset({"regression"})
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy", "skops")
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [{"impute": "median"}, {"scale": "standard"}],
        "category": [{"group_rare": {"max_levels": 255}}, {"encode": "one_hot"}],
        "date": ["date_parts", {"impute": "median"}, {"scale": "standard"}],
    }

    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {"alpha": {"log": [1e-3, 1e4]}}

    alpha: Annotated[float, Meta(description="Strength of the L2 penalty.", ge=0)] = 1.0

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save with skops."""
        from sklearn.linear_model import Ridge as Estimator

        from mlspec import sklearnkit

        estimator = Estimator(alpha=self.alpha)
        notes = sklearnkit.fit(estimator, training)
        sklearnkit.save(estimator, folder, TYPES, classes=training.classes)
        return {"warnings": notes}

    def rounds_found(self, history: Mapping[str, Any]) -> "Ridge":
        """The same: no validation row has a part in a fit."""
        return self

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec import sklearnkit

        return sklearnkit.load(folder, TYPES)

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The weights."""
        from mlspec.sklearnkit import onnx_forms

        return onnx_forms.linear(folder, TYPES, graph, features)
