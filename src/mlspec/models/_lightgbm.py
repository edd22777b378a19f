"""Arrays to LightGBM's trees and back, in bytes that only the fit decides."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.diagnostics import StepError
from mlspec.machine import json_values, safe_files
from mlspec.models import _growth
from mlspec.models._lightgbm_text import as_trees, checked
from mlspec.plugins.model import Features, Predictor, Training

if TYPE_CHECKING:
    import lightgbm
    import numpy as np

    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph

    Array = np.ndarray[Any, Any]

FILE = "model.txt"
MOST = 1 << 32  # bytes
ABOUT = "about.json"
NOTHING = 1.0000000180025095e-35  # LightGBM takes smaller numbers for 0
# One order of adding up, whatever the machine: without it the widest layout is chosen by a race.
FIXED = {"deterministic": True, "force_row_wise": True, "verbosity": -1, "max_bin": 255}


def fit(
    training: Training,
    folder: Path,
    params: dict[str, Any],
    *,
    trees: int,
    patience: int,
    weights: "tuple[Array | None, Array | None]",
) -> dict[str, Any]:
    """Fit, stop where the validation loss no longer falls, and write the trees; the history.

    ``weights`` are those of training and of validation rows.
    Raises StepError when LightGBM refuses the data.
    """
    began = time.monotonic()
    import lightgbm

    left = training.countdown(began)
    stops = len(training.validation_target) > 0
    settings = {
        **FIXED,
        **params,
        **_objective(training),
        "num_threads": training.threads,
        "seed": training.seed,
    }
    numeric = training.features.numeric.shape[1]
    codes = list(range(numeric, numeric + len(training.features.levels)))
    losses: dict[str, dict[str, list[float]]] = {}
    callbacks = [lightgbm.record_evaluation(losses), _text(training, trees)]
    if stops:
        callbacks.append(lightgbm.early_stopping(patience, verbose=False))
    over: list[int] = []
    if training.seconds is not None:
        callbacks.append(_until(left, losses, over))
    try:
        rows = lightgbm.Dataset(
            _given(training.features), training.target, weight=weights[0], categorical_feature=codes, params=settings
        )
        watched = [rows]
        names = ["train"]
        if stops:
            held = _given(training.validation), training.validation_target
            watched.append(rows.create_valid(*held, weight=weights[1]))
            names.append("validation")
        booster = lightgbm.train(
            settings,
            rows,
            num_boost_round=trees,
            valid_sets=watched,
            valid_names=names,
            callbacks=callbacks,
            init_model=None if training.start is None else training.start / FILE,
        )
    except lightgbm.basic.LightGBMError as error:
        raise StepError(f"lightgbm could not be fitted: {error}") from error
    best = booster.best_iteration if stops and booster.best_iteration > 0 else booster.current_iteration()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(booster.model_to_string(num_iteration=best), encoding="utf-8")
    about = {"classes": training.classes, "columns": numeric + len(codes)}
    (folder / ABOUT).write_text(json.dumps(about, sort_keys=True))
    curves = {f"{name}_loss": [float(v) for v in next(iter(found.values()))] for name, found in losses.items()}
    return {"iterations": int(best), **curves, **(_growth.STOPPED if over else {})}


def load(folder: Path) -> Predictor:
    """The trees from their folder. Raises ValueError where they are damaged."""
    import lightgbm

    text, classes = _read(folder)
    return _Fitted(lightgbm.Booster(model_str=text), classes)


def to_onnx(folder: Path, graph: "Graph", features: "Prepared") -> str:
    """The trees from their folder as nodes of a graph."""
    from mlspec.onnxkit import forms, trees

    text, classes = _read(folder)
    targets = classes if classes > 2 else 1
    rows, zero = features.all(graph), graph.constant(0.0)
    is_none = graph.add("LessOrEqual", graph.add("Abs", rows), graph.constant(NOTHING))
    rows = graph.where(is_none, zero, rows)
    found = trees.ensemble(graph, rows, features, as_trees(text, targets), targets)
    return forms.of_logits(graph, found, classes) if classes else graph.column(found, 0)


def _read(folder: Path) -> tuple[str, int]:
    classes = json_values.decode(safe_files.read(folder / ABOUT), dict[str, int]).get("classes", 0)
    try:
        return checked(safe_files.read(folder / FILE, MOST).decode(), classes), classes
    except ValueError as error:
        raise ValueError(f"{FILE}: {error}") from None


def _objective(training: Training) -> dict[str, Any]:
    if not training.classes:
        return {"objective": "regression", "metric": "l2"}
    if training.classes == 2:
        return {"objective": "binary", "metric": "binary_logloss"}
    return {"objective": "multiclass", "metric": "multi_logloss", "num_class": training.classes}


def _text(training: Training, trees: int) -> Any:
    def after(state: Any) -> None:
        figures = {f"{entry[0]}_loss": float(entry[2]) for entry in state.evaluation_result_list}
        done = state.iteration - state.begin_iteration + 1
        training.progress(f"tree {done} of at most {trees}", done / trees, figures)

    after.order = 100  # type: ignore[attr-defined]
    return after


def _until(left: Callable[[], float], losses: dict[str, dict[str, list[float]]], over: list[int]) -> Any:
    """Ends training when no time is left, with the best trees so far; ``over`` then holds the last tree's number."""
    import lightgbm
    import numpy as np

    def after(state: Any) -> None:
        if left() > 0 or state.iteration == state.end_iteration - 1:
            return
        over.append(state.iteration)
        curve = next(iter(losses.get("validation", {}).values()), None)
        best = state.iteration if curve is None else state.begin_iteration + int(np.argmin(curve))
        raise lightgbm.callback.EarlyStopException(best, state.evaluation_result_list)

    after.order = 110  # type: ignore[attr-defined]
    return after


def _given(features: Features) -> Any:
    """Rows as LightGBM takes them: those in files some at a time, so that only their bins are in memory."""
    if not features.is_mapped:
        return _plain(features)
    import lightgbm
    import msgspec

    class Rows(lightgbm.Sequence):
        batch_size = 8192

        def __len__(self) -> int:
            return len(features.numeric)

        def __getitem__(self, place: Any) -> "Array":
            # One row (an integer of whatever kind), or some.
            is_one = not isinstance(place, slice | list)
            some = slice(int(place), int(place) + 1) if is_one else place
            numeric, codes = features.numeric[some], features.codes[some]
            found = _plain(msgspec.structs.replace(features, numeric=numeric, codes=codes)).astype("float64")
            if not is_one:
                features.forget()
            return found[0] if is_one else found

    return Rows()


def _plain(features: Features) -> "Array":
    import numpy as np

    if not features.codes.shape[1]:
        return features.numeric
    return np.concatenate([features.numeric, features.codes.astype(np.float32)], axis=1)


class _Fitted(Predictor):
    def __init__(self, booster: "lightgbm.Booster", classes: int) -> None:
        self._booster = booster
        self.classes = classes

    def predict(self, features: Features) -> "Array":
        import numpy as np

        # One thread: a request has few rows, and a step has one core.
        found = np.asarray(self._booster.predict(_plain(features), num_threads=1), dtype=np.float64)
        if self.classes == 2:
            both = np.empty((len(found), 2))
            both[:, 0], both[:, 1] = 1 - found, found
            return both
        return found.reshape(len(found), self.classes) if self.classes else found.reshape(len(found))
