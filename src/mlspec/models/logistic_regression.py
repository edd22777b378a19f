"""Logistic regression."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.models import _growth
from mlspec.plugins.model import Model, Predictor, Training

if TYPE_CHECKING:
    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph

TYPES = ("sklearn.linear_model._logistic.LogisticRegression",)
NUMBER = 1e-8  # seconds of an iteration for each number of the training rows and class, roughly


class LogisticRegression(Model, frozen=True, kw_only=True):
    """A linear model of class probabilities (scikit-learn's LogisticRegression, L2 penalty, lbfgs).

    Why: fast, stable, easy to explain, and hard to beat on small or nearly linear data; the model that others must
    beat.

    Example:
        linear: {type: logistic_regression, C: 0.5}
    """

    complexity: ClassVar[int] = 1
    worth: ClassVar[float] = 0.5
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
        began = time.monotonic()
        from sklearn.linear_model import LogisticRegression as Estimator

        from mlspec import sklearnkit

        left = _growth.started(training, began)
        limited = training.seconds is not None
        estimator = Estimator(C=self.C, class_weight=self.class_weight, random_state=training.seed, warm_start=limited)
        done, notes = 0, list[str]()

        def to(iterations: int) -> bool:
            nonlocal done, notes
            estimator.set_params(max_iter=iterations - done)
            notes = sklearnkit.fit(estimator, training)
            done += int(max(estimator.n_iter_))
            return done < iterations

        size = training.features.numeric.size * max(1, training.classes - 1)
        first = 1 + int(min(0.2 * left() / (NUMBER * max(1, size)), self.max_iter))
        is_short = _growth.grow(to, self.max_iter, left, first=first)
        estimator.set_params(max_iter=self.max_iter, warm_start=False)
        sklearnkit.save(estimator, folder, TYPES, classes=training.classes)
        short = _growth.STOPPED if is_short else {}
        return {"iterations": done, "converged": done < self.max_iter and not is_short, "warnings": notes, **short}

    def rounds_found(self, history: Mapping[str, Any]) -> "LogisticRegression":
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
