"""Fits a model on prepared training rows."""

from typing import cast

import msgspec

from mlspec import registry
from mlspec.models import _user_code
from mlspec.plugins.model import Model, Training
from mlspec.steps import results
from mlspec.steps.data import feature_arrays, parquet
from mlspec.steps.job import Job
from mlspec.steps.training import distributed
from mlspec.steps.trust.mitigation import reduction


def run(job: Job) -> None:
    """``train``, ``validation``, ``state`` (and ``tuned``, the settings found) -> ``model``, ``history``.

    A user's own module is looked for in the spec's folder first. Checkpoints are in the job's scratch folder. Several
    processes do this together, each all of it, if the backend asks for it. ``mitigation``: fitted with a price on
    differences between groups.
    """
    mitigation = job.params.get("mitigation")
    if job.processes > 1 and not distributed.is_member():
        distributed.together(job, __name__)
        return
    name, settings = job.params["model"]
    settings = results.tuned(settings, job.inputs.get("tuned"))
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    job.outputs["model"].mkdir(parents=True, exist_ok=True)
    with _user_code.importable(job.root):
        if mitigation is None:
            history = model.fit(training(job, model), job.outputs["model"])
        else:
            groups, held = (results.read_groups([job.inputs[part]]) for part in ("train", "validation"))
            assert groups is not None and held is not None  # noqa: PT018
            scratch, folder = job.scratch / "rounds", job.outputs["model"]
            history = reduction.fit(model, training(job, model), groups, held, mitigation, scratch, folder)
    results.write_json(job.outputs["history"], history)


def training(job: Job, model: Model, rows: int | None = None) -> Training:
    """What a model is fitted with, from prepared rows: all of them, or the first ``rows``.

    Raises StepError where they surely take more memory than there is for them.
    """
    state = results.read_json(job.inputs["state"])
    if rows is None:
        feature_arrays.fits(job.inputs["train"], state, model, job.allowed)
        count = parquet.count(parquet.scan(job.inputs["train"]))
        feature_arrays.batch_fits(state, model, count, job.allowed, device=job.device, accumulate=job.accumulate)
    train, validation = (
        feature_arrays.read(job.inputs[part], state, job.scratch, rows) for part in ("train", "validation")
    )
    classes = state["target"]["classes"]
    return Training(
        features=train.features,
        target=train.target,
        validation=validation.features,
        validation_target=validation.target,
        task=job.params["task"],
        classes=0 if classes is None else len(classes),
        seed=job.params["seed"],
        device=job.device if model.uses_device else "cpu",
        threads=job.threads,
        checkpoints=job.scratch / "checkpoints",
        progress=job.progress,
        weights=train.weights,
        validation_weights=validation.weights,
        precision=job.params.get("precision", "fp32"),
        compile=job.params.get("compile", False),
        accumulate=job.accumulate,
    )
