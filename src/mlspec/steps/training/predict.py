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
    """``model``, ``state``, ``validation`` (prepared) -> ``predictions``."""
    name, settings = job.params["model"]
    settings = results.tuned(settings, job.inputs.get("tuned"))
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    state = results.read_json(job.inputs["state"])
    with _user_code.importable(job.root):
        predictor = model.load(job.inputs["model"], job.device if model.uses_device else "cpu")
        found = [
            (_answer(predictor, features, state), preparation.target(piece, state))
            for features, piece in feature_arrays.pieces(job.inputs["validation"], state)
        ]
    prediction, truth = (np.concatenate(parts) for parts in zip(*found, strict=True))
    groups = results.read_groups([job.inputs["validation"]])
    results.write_predictions(job.outputs["predictions"], prediction, truth, groups=groups)


def _answer(predictor: Predictor, features: Features, state: State) -> "Array":
    """What the model says of these rows; of none where there are none, which libraries refuse."""
    if len(features.numeric):
        return preparation.answer(predictor.predict(features), state)
    classes = state["target"]["classes"]
    return np.empty((0,) if classes is None else (0, len(classes)))
