"""Extremely randomised trees."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.models import _forests
from mlspec.plugins.model import Model, Predictor, Training

if TYPE_CHECKING:
    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph

TYPES = (
    "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.ExtraTreesRegressor",
    "sklearn.tree._classes.ExtraTreeClassifier",
    "sklearn.tree._classes.ExtraTreeRegressor",
    "sklearn.tree._tree.Tree",
)


class ExtraTrees(Model, frozen=True, kw_only=True):
    """Trees that split at random thresholds, averaged (scikit-learn's ExtraTrees; Geurts et al. 2006), for
    classification and regression.

    Accepts missing values without preparation. Categories become numbers in the order of their names.

    Why: smoother than a random forest and faster to fit; its errors differ from those of boosting, so that it is of use
    in a blend.

    Example:
        extra: {type: extra_trees, trees: 300, min_samples_leaf: 2}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    holds: ClassVar[float] = 0.1
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy", "skops")
    complexity: ClassVar[int] = 2
    worth: ClassVar[float] = 1.0
    takes_missing: ClassVar[bool] = True
    takes_codes: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = _forests.PREPARATION
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = _forests.SPACE

    trees: _forests.Trees = 200
    min_samples_leaf: _forests.Leaf = None
    max_features: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(
            description="Share of the columns considered for each split; half of them for classification, all of them "
            "for regression if left out."
        ),
    ] = None
    class_weight: _forests.ClassWeight = None

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save with skops."""
        began = time.monotonic()
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        leaf, share = self.min_samples_leaf, self.max_features
        estimator = (
            ExtraTreesClassifier(max_features=share or 0.5, min_samples_leaf=leaf, class_weight=self.class_weight)
            if training.classes
            else ExtraTreesRegressor(max_features=share or 1.0, min_samples_leaf=leaf)
        )
        return _forests.fit(estimator, training, folder, TYPES, self.trees, began, least=1)

    def rounds_found(self, history: Mapping[str, Any]) -> "ExtraTrees":
        """The same: no validation row has a part in a fit."""
        return self

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec import sklearnkit

        return sklearnkit.load(folder, TYPES)

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The trees."""
        from mlspec.sklearnkit import onnx_forms

        return onnx_forms.forest(folder, TYPES, graph, features)
