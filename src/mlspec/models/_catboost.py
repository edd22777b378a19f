"""Arrays to CatBoost's trees and back, in bytes that only the fit decides."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.plugin import Features, Predictor, Training

if TYPE_CHECKING:
    import catboost
    import numpy as np

    Array = np.ndarray[Any, Any]

FILE = "model.cbm"
ABOUT = "about.json"
NEEDED = "class_params"  # of what is written beside the trees: the rest tells of the clock and of this machine


def fit(
    training: Training,
    folder: Path,
    params: dict[str, Any],
    *,
    patience: int,
    weights: "tuple[Array | None, Array | None]",
) -> dict[str, Any]:
    """Fit, stop where the validation loss no longer falls, and write the trees; the history.

    ``weights`` are those of training and of validation rows. Raises StepError when CatBoost refuses the data.
    """
    import catboost

    stops = len(training.validation_target) > 0
    settings = {
        **params,
        **_objective(training),
        "thread_count": training.threads,
        "random_seed": training.seed,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }
    trees = params["iterations"]
    try:
        rows = catboost.Pool(_plain(training.features), training.target, weight=weights[0])
        watched = None
        if stops:
            settings |= {"od_type": "Iter", "od_wait": patience, "use_best_model": True}
            watched = catboost.Pool(_plain(training.validation), training.validation_target, weight=weights[1])
        booster = catboost.CatBoost(settings)
        booster.fit(rows, eval_set=watched, callbacks=[_Told(training, trees)])
    except catboost.CatBoostError as error:
        raise StepError(f"catboost could not be fitted: {_sentence(error)}") from error
    losses = {name: next(iter(found.values())) for name, found in booster.get_evals_result().items()}
    kept = int(booster.tree_count_)
    for name in list(booster.get_metadata()):
        if name != NEEDED:
            del booster.get_metadata()[name]
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(str(folder / FILE), format="cbm")
    (folder / ABOUT).write_text(json.dumps({"classes": training.classes}, sort_keys=True))
    names = {"learn": "train_loss", "validation": "validation_loss"}
    return {"iterations": kept, **{names[name]: [float(v) for v in values] for name, values in losses.items()}}


def load(folder: Path) -> Predictor:
    """The trees from their folder. Raises StepError when they are damaged."""
    import catboost

    about = json.loads((folder / ABOUT).read_text())
    booster = catboost.CatBoost()
    try:
        booster.load_model(str(folder / FILE), format="cbm")
    except catboost.CatBoostError as error:
        raise StepError(f"the saved model can't be read: {_sentence(error)}") from error
    return _Fitted(booster, about["classes"])


def _objective(training: Training) -> dict[str, Any]:
    if not training.classes:
        return {"loss_function": "RMSE"}
    if training.classes == 2:
        return {"loss_function": "Logloss"}
    return {"loss_function": "MultiClass", "classes_count": training.classes}


def _plain(features: Features) -> "catboost.FeaturesData":
    """Numbers as they are, codes as the names that CatBoost wants of categories."""
    import catboost
    import numpy as np

    names = np.array([str(code).encode() for code in range(max(features.levels, default=0))], dtype=object)
    return catboost.FeaturesData(
        num_feature_data=features.numeric if features.numeric.shape[1] else None,
        cat_feature_data=names[features.codes] if features.levels else None,
    )


def _sentence(error: Exception) -> str:
    """CatBoost's message without the place in its own source."""
    return str(error).partition(": ")[2] or str(error)


class _Told:
    """What CatBoost calls after each tree."""

    def __init__(self, training: Training, trees: int) -> None:
        self._progress, self._trees = training.progress, trees

    def after_iteration(self, info: Any) -> bool:
        """Tell how far it is; go on."""
        names = {"learn": "train_loss", "validation": "validation_loss"}
        figures = {names[part]: float(next(iter(found.values()))[-1]) for part, found in info.metrics.items()}
        self._progress(f"tree {info.iteration} of at most {self._trees}", info.iteration / self._trees, figures)
        return True


class _Fitted(Predictor):
    def __init__(self, booster: "catboost.CatBoost", classes: int) -> None:
        self._booster = booster
        self._kind = "Probability" if classes else "RawFormulaVal"

    def predict(self, features: Features) -> "Array":
        import numpy as np

        # One thread: a request has few rows, and a step has one core.
        found = self._booster.predict(_plain(features), prediction_type=self._kind, thread_count=1)
        return np.asarray(found, dtype=np.float64)
