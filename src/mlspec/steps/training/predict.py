"""Predicts the validation rows with a candidate."""

from typing import cast

import msgspec
import numpy as np

from mlspec import registry
from mlspec.models import _user_code
from mlspec.plugins.model import Model
from mlspec.steps import results
from mlspec.steps.data import feature_arrays, preparation
from mlspec.steps.job import Job


def run(job: Job) -> None:
    """``model``, ``state``, ``validation`` (prepared) -> ``predictions``."""
    name, settings = job.params["model"]
    settings = results.tuned(settings, job.inputs.get("tuned"))
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    state = results.read_json(job.inputs["state"])
    with _user_code.importable(job.root):
        predictor = model.load(job.inputs["model"], job.device if model.uses_device else "cpu")
        found = [
            (preparation.answer(predictor.predict(features), state), preparation.target(piece, state))
            for features, piece in feature_arrays.pieces(job.inputs["validation"], state)
        ]
    prediction, truth = (np.concatenate(parts) for parts in zip(*found, strict=True))
    groups = results.read_groups([job.inputs["validation"]])
    results.write_predictions(job.outputs["predictions"], prediction, truth, groups=groups)
