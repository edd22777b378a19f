"""CatBoost."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files
from mlspec.models import _growth
from mlspec.models._monotone import Monotone, directions
from mlspec.plugins.model import Features, Model, Predictor, Training
from mlspec.torchkit.row_weights import row_weights, stopping_weights

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

FILE = "model.cbm"
MOST = 1 << 32  # bytes
ABOUT = "about.json"
PASSING = ("model_guid", "train_finish_time", "output_options", "params", "training")  # what differs from fit to fit
LOSSES = {0: "RMSE", 2: "Logloss"}


class CatBoost(Model, frozen=True, kw_only=True):
    """Boosted symmetric trees with ordered target statistics of categories (CatBoost, Prokhorenkova et al. 2018), for
    classification and regression.

    Accepts categories with any number of levels, and missing values, without preparation. The validation rows decide
    the number of trees. Saved in CatBoost's own format. Needs the extra `boost`.

    Why: often the best with many categories or few rows; it takes several times as long as LightGBM.

    Example:
        cat: {type: catboost, learning_rate: 0.05, depth: 6}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("catboost", "numpy")
    extra: ClassVar[str] = "boost"
    complexity: ClassVar[int] = 2
    worth: ClassVar[float] = 4.0
    takes_missing: ClassVar[bool] = True
    takes_codes: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [],
        "category": [{"encode": "ordinal"}],
        "date": ["date_parts"],
    }
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [0.01, 0.2]},
        "depth": {"integer": [4, 10]},
        "l2_leaf_reg": {"log": [0.5, 50.0]},
        "random_strength": {"log": [0.1, 10.0]},
    }

    learning_rate: Annotated[float, Meta(description="The weight of each new tree.", gt=0, le=1)] = 0.05
    trees: Annotated[int, Meta(description="Maximum number of trees.", ge=1, le=100_000)] = 2000
    depth: Annotated[int, Meta(description="Depth of each tree.", ge=1, le=16)] = 6
    l2_leaf_reg: Annotated[float, Meta(description="L2 penalty on the leaf values.", ge=0)] = 3.0
    random_strength: Annotated[float, Meta(description="Noise on the scores of splits.", ge=0)] = 1.0
    patience: Annotated[
        int, Meta(description="Trees without a better validation loss before stopping.", ge=1, le=10_000)
    ] = 50
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
    ] = None
    monotone: Monotone = {}  # noqa: RUF012 (msgspec copies it)

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Fit and save; the history holds the losses after each tree."""

        return _fit(self, training, folder)

    def rounds_found(self, history: Mapping[str, Any]) -> "CatBoost":
        """As many trees as the validation rows decided."""
        return replace(self, trees=max(1, int(history["iterations"])))

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted trees."""

        return _load(folder)


def _fit(model: "CatBoost", training: Training, folder: Path) -> dict[str, Any]:
    """Fit, stop where the validation loss no longer falls, and write the trees; the history.

    Raises StepError when CatBoost refuses the data.
    """
    began = time.monotonic()
    import catboost

    left = training.countdown(began)
    stops = len(training.validation_target) > 0
    loss = LOSSES.get(training.classes, "MultiClass")
    trees = catboost.CatBoost(
        {
            "loss_function": loss,
            "learning_rate": model.learning_rate,
            "iterations": model.trees,
            "depth": model.depth,
            "l2_leaf_reg": model.l2_leaf_reg,
            "random_strength": model.random_strength,
            "random_seed": training.seed,
            "thread_count": training.threads,
            "allow_writing_files": False,
            "logging_level": "Silent",
            **({"classes_count": training.classes} if loss == "MultiClass" else {}),
            **({"monotone_constraints": directions(model.monotone, training.features)} if model.monotone else {}),
        }
    )
    rows = catboost.Pool(_data(training.features), training.target, weight=row_weights(training, model.class_weight))
    until = _Until(left, model.trees)
    watched = None
    if stops:
        held = stopping_weights(training, model.class_weight)
        watched = catboost.Pool(_data(training.validation), training.validation_target, weight=held)
    try:
        trees.fit(
            rows,
            eval_set=watched,
            early_stopping_rounds=model.patience if stops else None,
            callbacks=None if training.seconds is None else [until],
        )
    except catboost.CatBoostError as error:
        raise StepError(f"catboost could not be fitted: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    about = trees.get_metadata()
    for name in PASSING:
        if name in about:
            del about[name]
    trees.save_model(str(folder / FILE))
    (folder / ABOUT).write_text(json.dumps({"classes": training.classes}, sort_keys=True))
    found = trees.get_evals_result()
    names = {"learn": "train_loss", "validation": "validation_loss"}
    curves = {names[part]: [float(value) for value in own[loss]] for part, own in found.items() if loss in own}
    return {"iterations": int(trees.tree_count_), **curves, **(_growth.STOPPED if until.is_over else {})}


class _Until:
    """Ends training when no time is left: CatBoost asks it after each tree."""

    def __init__(self, left: Callable[[], float], trees: int) -> None:
        self._left, self._trees = left, trees
        self.is_over = False

    def after_iteration(self, state: Any) -> bool:
        self.is_over = self._left() <= 0 and state.iteration < self._trees
        return not self.is_over


def _load(folder: Path) -> Predictor:
    """The trees from their folder. Raises ValueError where they are damaged."""
    import catboost

    classes = json_values.decode(safe_files.read(folder / ABOUT), dict[str, int]).get("classes", 0)
    data = safe_files.read(folder / FILE, MOST)
    trees = catboost.CatBoost()
    trees.load_model(blob=data)
    return _Fitted(trees, classes)


def _data(features: Features) -> Any:
    import catboost
    import numpy as np

    # Codes go in as names, each made once: CatBoost takes categories as bytes.
    names = np.array([str(code).encode() for code in range(max(features.levels, default=0))], dtype=object)
    numbers = np.ascontiguousarray(features.numeric, dtype=np.float32)
    return catboost.FeaturesData(
        num_feature_data=numbers if numbers.shape[1] else None,
        cat_feature_data=names[features.codes] if features.codes.shape[1] else None,
    )


class _Fitted(Predictor):
    def __init__(self, trees: Any, classes: int) -> None:
        self._trees = trees
        self.classes = classes

    def predict(self, features: Features) -> "Array":
        import numpy as np

        rows = len(features.numeric)
        if not rows:
            return np.zeros((0, self.classes) if self.classes else (0,))
        kind = "Probability" if self.classes else "RawFormulaVal"
        found = self._trees.predict(_data(features), prediction_type=kind, thread_count=1)
        return np.asarray(found, dtype=np.float64)
