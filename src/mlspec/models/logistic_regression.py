"""Logistic regression."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.model import Model, Predictor, Training

TYPES = ("sklearn.linear_model._logistic.LogisticRegression",)


class LogisticRegression(Model, frozen=True, kw_only=True):
    """A linear model of class probabilities (scikit-learn's LogisticRegression, L2 penalty, lbfgs).

    Why: fast, stable, easy to explain, and hard to beat on small or nearly linear data; the model that others must
    beat.

    Example:
        linear: {type: logistic_regression, C: 0.5}
    """

    complexity: ClassVar[int] = 1
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification"})
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy", "skops")
    holds: ClassVar[float] = 0.1
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [{"impute": "median"}, {"scale": "standard"}],
        "category": [{"group_rare": {"max_levels": 255}}, {"encode": "one_hot"}],
        "date": ["date_parts", {"impute": "median"}, {"scale": "standard"}],
    }

    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {"C": {"log": [1e-4, 100.0]}}

    C: Annotated[float, Meta(description="Inverse of the penalty's strength: smaller is stronger.", gt=0)] = 1.0
    max_iter: Annotated[int, Meta(description="Maximum number of solver iterations.", ge=1, le=1_000_000)] = 1000
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
    ] = None

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save with skops; the history holds the solver's iterations."""
        from sklearn.linear_model import LogisticRegression as Estimator

        from mlspec import sklearnkit

        estimator = Estimator(
            C=self.C, max_iter=self.max_iter, class_weight=self.class_weight, random_state=training.seed
        )
        notes = sklearnkit.fit(estimator, training)
        sklearnkit.save(estimator, folder, TYPES, classes=training.classes)
        iterations = int(max(estimator.n_iter_))
        return {"iterations": iterations, "converged": iterations < self.max_iter, "warnings": notes}

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec import sklearnkit

        return sklearnkit.load(folder, TYPES)
