"""A random forest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.model import Model, Predictor, Training

TYPES = (
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._forest.RandomForestRegressor",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.DecisionTreeRegressor",
    "sklearn.tree._tree.Tree",
)


class RandomForest(Model, frozen=True, kw_only=True):
    """Trees fitted on resampled rows, averaged (scikit-learn's RandomForest; Breiman 2001), for classification and
    regression.

    Accepts missing values without preparation. Categories become numbers in the order of their names.

    Why: hardly any settings and no validation rows for early stopping; a robust alternative to boosting, slower to
    predict and larger on disk.

    Example:
        forest: {type: random_forest, trees: 300, min_samples_leaf: 3}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    holds: ClassVar[float] = 0.1
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy", "skops")
    complexity: ClassVar[int] = 2
    takes_missing: ClassVar[bool] = True
    takes_codes: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [],
        "category": [{"group_rare": {"max_levels": 254}}, {"encode": "ordinal"}],
        "date": ["date_parts"],
    }
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "min_samples_leaf": {"log_integer": [1, 50]},
        "max_features": {"uniform": [0.1, 1.0]},
    }

    trees: Annotated[int, Meta(description="Number of trees.", ge=1, le=100_000)] = 200
    min_samples_leaf: Annotated[int, Meta(description="Minimum number of rows per leaf.", ge=1)] = 3
    max_features: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        Meta(
            description="Share of the columns considered for each split; the square root of their number for "
            "classification, a third for regression if left out."
        ),
    ] = None
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
    ] = None

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save with skops."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        from mlspec import sklearnkit

        shared: dict[str, Any] = {
            "n_estimators": self.trees,
            "min_samples_leaf": self.min_samples_leaf,
            "n_jobs": training.threads,
            "random_state": training.seed,
        }
        estimator = (
            RandomForestClassifier(max_features=self.max_features or "sqrt", class_weight=self.class_weight, **shared)
            if training.classes
            else RandomForestRegressor(max_features=self.max_features or 1 / 3, **shared)
        )
        notes = sklearnkit.fit(estimator, training)
        sklearnkit.save(estimator, folder, TYPES, classes=training.classes)
        return {"trees": self.trees, "warnings": notes}

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec import sklearnkit

        return sklearnkit.load(folder, TYPES)
