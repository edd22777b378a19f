"""Gradient boosting on histograms."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from mlspec.diagnostics import StepError
from mlspec.models import _growth
from mlspec.models._monotone import Monotone, directions
from mlspec.plugins.model import Model, Predictor, Training
from mlspec.torchkit.row_weights import row_weights, stopping_weights

if TYPE_CHECKING:
    import numpy as np

    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph

MOST_LEVELS = 255
SAVING = 0.001  # seconds to save a tree, roughly
TYPES = (
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingRegressor",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    *(f"sklearn._loss.link.{name}" for name in ("IdentityLink", "Interval", "LogitLink", "MultinomialLogit")),
    *(f"sklearn._loss.loss.{name}" for name in ("HalfBinomialLoss", "HalfMultinomialLoss", "HalfSquaredError")),
    "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.preprocessing._encoders.OrdinalEncoder",
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
    "sklearn.preprocessing._label.LabelEncoder",
    "sklearn.utils.validation.check_array",
)


class HistGradientBoosting(Model, frozen=True, kw_only=True):
    """Boosted decision trees on binned values (scikit-learn's HistGradientBoosting), for classification and regression.

    Accepts categories and missing values without preparation. With `early_stopping` the validation rows decide the
    number of trees.

    Why: hard to beat on tables, with little tuning; the first model to try.

    Example:
        trees: {type: hist_gradient_boosting, learning_rate: 0.05, max_iter: 500}
    """

    complexity: ClassVar[int] = 2
    worth: ClassVar[float] = 2.0
    version: ClassVar[int] = 2
    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "numpy", "scipy", "skops")
    holds: ClassVar[float] = 8.0
    takes_missing: ClassVar[bool] = True
    takes_codes: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [],
        "category": [{"group_rare": {"max_levels": MOST_LEVELS - 1}}, {"encode": "ordinal"}],
        "date": ["date_parts"],
    }

    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [0.01, 0.3]},
        "max_leaf_nodes": {"log_integer": [4, 128]},
        "min_samples_leaf": {"log_integer": [2, 200]},
        "l2_regularization": {"log": [1e-6, 100.0]},
        "max_features": {"uniform": [0.3, 1.0]},
    }

    learning_rate: Annotated[float, Meta(description="The weight of each new tree.", gt=0, le=1)] = 0.06
    max_iter: Annotated[int, Meta(description="Maximum number of trees (per class).", ge=1, le=100_000)] = 500
    max_leaf_nodes: Annotated[int, Meta(description="Maximum number of leaves per tree.", ge=2, le=65_536)] = 16
    min_samples_leaf: Annotated[int, Meta(description="Minimum number of rows per leaf.", ge=1)] = 10
    l2_regularization: Annotated[float, Meta(description="L2 penalty on the leaf values.", ge=0)] = 1.0
    max_features: Annotated[float, Meta(description="Share of the columns considered for each split.", gt=0, le=1)] = (
        0.6
    )
    early_stopping: Annotated[bool, Meta(description="Stop when the validation loss no longer decreases.")] = True
    patience: Annotated[
        int, Meta(description="Trees without a better validation loss before stopping.", ge=1, le=10_000)
    ] = 20

    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
    ] = None
    monotone: Monotone = {}  # noqa: RUF012 (msgspec copies it)

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save with skops; the history holds the loss after each tree."""
        began = time.monotonic()
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        from mlspec import sklearnkit

        left = _growth.started(training, began)
        stops = self.early_stopping and len(training.validation_target) > 0
        training = _with_absent_filled(training)
        features = training.features
        for name, levels in zip(features.code_names, features.levels, strict=True):
            if levels > MOST_LEVELS:
                raise StepError(
                    f"column '{name}' has {levels} levels, hist_gradient_boosting takes {MOST_LEVELS} at most: "
                    f"put {{group_rare: {{max_levels: {MOST_LEVELS - 1}}}}} before its encoding"
                )
        numeric = features.numeric.shape[1]
        cls = HistGradientBoostingClassifier if training.classes else HistGradientBoostingRegressor
        estimator = cls(
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            max_features=self.max_features,
            early_stopping=stops,
            n_iter_no_change=self.patience,
            tol=0.0,
            categorical_features=list(range(numeric, numeric + len(features.levels))) or None,
            monotonic_cst=directions(self.monotone, features) if self.monotone else None,
            random_state=training.seed,
            warm_start=training.seconds is not None,
        )
        extra: dict[str, np.ndarray[Any, Any] | None] = {"sample_weight": row_weights(training, self.class_weight)}
        if stops:
            extra |= {"X_val": sklearnkit.plain(training.validation), "y_val": training.validation_target}
            extra["sample_weight_val"] = stopping_weights(training, self.class_weight)
        notes: set[str] = set()

        def to(trees: int) -> bool:
            estimator.set_params(max_iter=trees)
            notes.update(sklearnkit.fit(estimator, training, **extra))
            return int(estimator.n_iter_) < trees or (stops and _is_stalled(estimator.validation_score_, self.patience))

        is_short = _growth.grow(to, self.max_iter, left, saving=SAVING)
        estimator.set_params(max_iter=self.max_iter, warm_start=False)
        losses = {
            "train_loss": [-float(v) for v in estimator.train_score_],
            "validation_loss": [-float(v) for v in estimator.validation_score_],
        }
        sklearnkit.save(estimator, folder, TYPES, classes=training.classes)
        short = _growth.STOPPED if is_short else {}
        return {"iterations": int(estimator.n_iter_), "warnings": sorted(notes), **losses, **short}

    def rounds_found(self, history: Mapping[str, Any]) -> "HistGradientBoosting":
        """As many trees as had the lowest validation loss, the first of which is that of no tree."""
        losses = history["validation_loss"]
        if not losses:
            return self
        return replace(self, max_iter=max(1, losses.index(min(losses))), early_stopping=False)

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted estimator."""
        from mlspec import sklearnkit

        return sklearnkit.load(folder, TYPES)

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The trees."""
        from mlspec.sklearnkit import onnx_forms

        return onnx_forms.boosting(folder, TYPES, graph, features)


def _is_stalled(scores: "np.ndarray[Any, Any]", patience: int) -> bool:
    """Whether none of the last scores is better than the one before them: what scikit-learn stops at."""
    return len(scores) > patience and bool(scores[-patience:].max() <= scores[-patience - 1])


def _with_absent_filled(training: Training) -> Training:
    """The same with 0 in each number column that no training row has: scikit-learn finds no bins for it."""
    import numpy as np

    numeric = training.features.numeric
    absent = [at for at in np.flatnonzero(np.isnan(numeric[:1]).any(axis=0)) if np.isnan(numeric[:, at]).all()]
    if not absent:
        return training
    filled = numeric.copy()
    filled[:, absent] = 0
    return replace(training, features=replace(training.features, numeric=filled))
