"""Predicts the validation rows with a candidate."""

from typing import cast

import msgspec

from mlspec import registry
from mlspec.engine.job import Job
from mlspec.plugin import Model


def run(job: Job) -> None:
    """``model``, ``state``, ``validation`` (prepared) -> ``predictions``."""
    import polars as pl

    from mlspec.engine import preparation, results
    from mlspec.models import _user_code

    name, settings = job.params["model"]
    settings = results.tuned(settings, job.inputs.get("tuned"))
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    state = results.read_json(job.inputs["state"])
    rows = pl.read_parquet(job.inputs["validation"])
    with _user_code.importable(job.root):
        predictor = model.load(job.inputs["model"], job.device if model.uses_device else "cpu")
    prediction = preparation.answer(predictor.predict(preparation.features(rows, state)), state)
    groups = results.read_groups([job.inputs["validation"]])
    results.write_predictions(job.outputs["predictions"], prediction, preparation.target(rows, state), groups=groups)
