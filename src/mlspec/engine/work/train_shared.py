"""Trains one further model that reads the key of groups as a feature."""

from typing import cast

import msgspec

from mlspec import registry
from mlspec.engine.job import Job
from mlspec.plugin import Model, Training


def run(job: Job) -> None:
    """``model`` (the package of the one model), ``train``, ``validation`` (raw) -> ``models``: a folder, an index.

    It is the selected candidate with its settings, prepared and fitted anew with the key among its columns.
    """
    import polars as pl

    from mlspec.engine import package, personal, preparation, results, tables
    from mlspec.models import _user_code

    params = job.params
    about = package.read_about(job.inputs["model"])
    name, settings = about.model
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    train, validation = (tables.scan(job.inputs[part]) for part in ("train", "validation"))
    state = preparation.fit(train, params["candidates"][about.candidate], job.memory)
    fitted = preparation.supervised(state)
    known = preparation.with_folds(train) if fitted else train
    rows = preparation.apply(known, state, fitted=fitted).collect()
    held = preparation.apply(validation, state).collect()
    classes = state["target"]["classes"]
    folder = job.outputs["models"] / "shared"
    with _user_code.importable(job.root):
        model.fit(
            Training(
                features=preparation.features(rows, state),
                target=preparation.learned(preparation.target(rows, state), state),
                validation=preparation.features(held, state),
                validation_target=preparation.learned(preparation.target(held, state), state),
                task=params["task"],
                classes=0 if classes is None else len(classes),
                seed=params["seed"],
                device=job.device if model.uses_device else "cpu",
                threads=job.threads,
                checkpoints=job.scratch / "checkpoints",
                progress=job.progress,
                weights=preparation.weights(rows, state),
                validation_weights=preparation.weights(held, state),
                precision=params.get("precision", "fp32"),
                compile=params.get("compile", False),
                accumulate=job.accumulate,
            ),
            folder / package.MODEL,
        )
    results.write_json(folder / package.STATE, package.without_fitted(state))
    groups = personal.labels(train.select(pl.col(params["key"])).collect()[params["key"]], params["level"])
    found = {
        label: {"folder": "shared", "rows": count, "error": None}
        for label, count in personal.sizes(groups).items()
        if count >= params["min_group_size"]
    }
    results.write_json(job.outputs["models"] / personal.INDEX, {"groups": found, "model": [name, settings]})
