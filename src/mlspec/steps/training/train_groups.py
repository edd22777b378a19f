"""Trains models of their own for groups: each goes on from the one model, on the group's rows alone."""

from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.models import _user_code
from mlspec.plugins.model import Features, Model, Training
from mlspec.steps import results
from mlspec.steps.data import parquet, preparation
from mlspec.steps.job import Job
from mlspec.steps.serving import package_format
from mlspec.steps.training import personalization

STOPPING = 0.2  # of a group's training rows: those that its training stops by


def run(job: Job) -> None:
    """``model`` (the package), ``train`` (raw) -> ``models``: a folder for each group of this part, and an index.

    The preparation is the one model's. The validation rows have no part in it: by them the group's model is judged.
    """
    params = job.params
    start = job.inputs["model"]
    about = package_format.read_about(start)
    name, settings = about.model
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    frame = parquet.scan(job.inputs["train"])
    groups = personalization.labels(frame.select(params["key"]).collect().to_series(), params["level"])
    mine = {
        label: count
        for label, count in personalization.sizes(groups).items()
        if count >= params["min_group_size"] and personalization.part_of(label, params["parts"]) == params["part"]
    }
    state = results.read_json(start / package_format.STATE)
    found: dict[str, Any] = {}
    job.outputs["models"].mkdir(parents=True)
    for number, (label, rows) in enumerate(personalization.each(frame, groups, list(mine), job.memory)):
        job.progress(f"group {number + 1} of {len(mine)}", number / len(mine), {})
        folder = personalization.folder_of(label)
        try:
            training = _training(job, model, rows, state, folder)
            with _user_code.importable(job.root):
                model.fit(training, job.outputs["models"] / folder / package_format.MODEL)
            found[label] = {"folder": folder, "rows": mine[label], "error": None}
        except StepError as error:
            found[label] = {"folder": None, "rows": mine[label], "error": str(error)}
    results.write_json(job.outputs["models"] / personalization.INDEX, {"groups": found, "model": [name, settings]})


def _training(job: Job, model: Model, rows: "pl.DataFrame", state: dict[str, Any], folder: str) -> Training:
    """What a group's model is fitted with. Raises StepError where the group knows one class only."""
    prepared = preparation.apply(rows.lazy(), state).collect()
    target = preparation.learned(preparation.target(prepared, state), state)
    classes = state["target"]["classes"]
    if classes is not None and len(np.unique(target)) < 2:
        raise StepError("all its training rows are of one class")
    order = np.random.Generator(np.random.PCG64([job.params["seed"], len(target)])).permutation(len(target))
    stops = np.zeros(len(target), dtype=bool)
    stops[order[: max(1, round(STOPPING * len(target)))]] = True
    features, weights = preparation.features(prepared, state), preparation.weights(prepared, state)
    return Training(
        features=_some(features, ~stops),
        target=target[~stops],
        validation=_some(features, stops),
        validation_target=target[stops],
        task=job.params["task"],
        classes=0 if classes is None else len(classes),
        seed=job.params["seed"],
        device=job.device if model.uses_device else "cpu",
        threads=job.threads,
        checkpoints=job.scratch / folder,
        progress=lambda _what, _share, _figures: None,
        weights=None if weights is None else weights[~stops],
        validation_weights=None if weights is None else weights[stops],
        start=job.inputs["model"] / package_format.MODEL,
        precision=job.params.get("precision", "fp32"),
        compile=job.params.get("compile", False),
        accumulate=job.accumulate,
    )


def _some(features: Features, mine: "np.ndarray[Any, Any]") -> Features:
    return msgspec.structs.replace(features, numeric=features.numeric[mine], codes=features.codes[mine])
