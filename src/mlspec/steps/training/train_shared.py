"""Trains one further model that reads the key of groups as a feature."""

import sys
from typing import cast

import msgspec

from mlspec import registry
from mlspec.models import _user_code
from mlspec.plugins.model import Model
from mlspec.steps import results
from mlspec.steps.data import feature_arrays, parquet, preparation
from mlspec.steps.job import Job
from mlspec.steps.serving import package, package_format
from mlspec.steps.training import personalization
from mlspec.steps.training import train as train_step


def run(job: Job) -> None:
    """``model`` (the package of the one model), ``train``, ``validation`` (raw) -> ``models``: a folder, an index.

    It is the selected candidate with its settings, prepared and fitted again with the key among its columns.
    """
    params = job.params
    about = package_format.read_about(job.inputs["model"])
    name, settings = about.model
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    frames = [parquet.scan(job.inputs[part]) for part in ("train", "validation")]
    state = preparation.fit(frames[0], params["candidates"][about.candidate], job.memory)
    rows, supervised = min(parquet.count(frames[0]), model.rows or sys.maxsize), preparation.supervised(state)
    feature_arrays.fits(rows, state, model, job.allowed)
    place = job.scratch / "rows"
    train, held = feature_arrays.prepared(frames, state, place, supervised=supervised, rows=model.rows)
    training = train_step.with_rows(job, model, state, train, held, job.scratch / "checkpoints")
    folder = job.outputs["models"] / "shared"
    with _user_code.importable(job.root):
        model.fit(training, folder / package_format.MODEL)
    results.write_json(folder / package_format.STATE, package.without_fitted(state))
    groups = personalization.labels(frames[0].select(params["key"]).collect().to_series(), params["level"])
    found = {
        label: {"folder": "shared", "rows": count, "error": None}
        for label, count in personalization.sizes(groups).items()
        if count >= params["min_group_size"]
    }
    results.write_json(job.outputs["models"] / personalization.INDEX, {"groups": found, "model": [name, settings]})
