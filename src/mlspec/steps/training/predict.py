"""Predicts the validation rows with a candidate."""

from typing import Any, cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.models import _user_code
from mlspec.plugins.base import State
from mlspec.plugins.model import Features, Model, Predictor
from mlspec.steps import results
from mlspec.steps.data import feature_arrays, preparation
from mlspec.steps.job import Job

Array = np.ndarray[Any, Any]


def run(job: Job) -> None:
    """``model``, ``state``, ``validation`` (prepared) -> ``predictions``; all NaN where the model was left out."""
    name, settings = job.params["model"]
    settings = results.tuned(settings, job.inputs.get("tuned"))
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    state = results.read_json(job.inputs["state"])
    with _user_code.importable(job.root):
        predictor = (
            None
            if (job.inputs["model"] / results.LEFT_OUT).exists()
            else model.load(job.inputs["model"], job.device if model.uses_device else "cpu")
        )
        found = [
            (_answer(predictor, features, state), preparation.target(piece, state))
            for features, piece in feature_arrays.pieces(job.inputs["validation"], state)
        ]
    prediction, truth = (np.concatenate(parts) for parts in zip(*found, strict=True))
    groups = results.read_groups([job.inputs["validation"]])
    results.write_predictions(job.outputs["predictions"], prediction, truth, groups=groups)


def _answer(predictor: Predictor | None, features: Features, state: State) -> "Array":
    """What the model says of these rows; of none where there are none, which libraries refuse."""
    rows, classes = len(features.numeric), state["target"]["classes"]
    if rows and predictor is not None:
        return preparation.answer(predictor.predict(features), state)
    return np.full((rows,) if classes is None else (rows, len(classes)), np.nan)
