"""Fits a model on prepared training rows."""

from typing import cast

import msgspec

from mlspec import registry
from mlspec.engine.job import Job
from mlspec.plugin import Model


def run(job: Job) -> None:
    """``train``, ``validation``, ``state`` (and ``tuned``, the settings found) -> ``model``, ``history``.

    A user's own module is looked for in the spec's folder first. Checkpoints lie in the job's scratch folder.
    """
    from mlspec.engine import results, training
    from mlspec.models import _user_code

    name, settings = job.params["model"]
    settings = results.tuned(settings, job.inputs.get("tuned"))
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    state = results.read_json(job.inputs["state"])
    rows = training.training(
        job.inputs["train"],
        job.inputs["validation"],
        state,
        task=job.params["task"],
        seed=job.params["seed"],
        device=job.device if model.uses_device else "cpu",
        threads=job.threads,
        checkpoints=job.scratch / "checkpoints",
        progress=job.progress,
    )
    job.outputs["model"].mkdir(parents=True, exist_ok=True)
    with _user_code.importable(job.root):
        history = model.fit(rows, job.outputs["model"])
    results.write_json(job.outputs["history"], history)
