"""Chooses the best candidate by its score on the validation rows, and makes it a package."""

import shutil
from typing import cast

import msgspec

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.engine import package, results
from mlspec.engine.job import Job
from mlspec.plugin import Metric


def run(job: Job) -> None:
    """``metrics.NAME``, ``model.NAME``, ``state.NAME`` of each candidate -> ``selection``, ``model`` (the package).

    The better value wins, ties go to the first name. The package holds nothing of the candidates that lost. Raises
    StepError when the metric is not defined for any of them.
    """
    name, settings = job.params["metric"]
    metric = cast(Metric, msgspec.convert(settings, registry.plugin("metrics", name)))
    sign = 1.0 if metric.greater_is_better else -1.0
    scores = {
        candidate: results.read_json(job.inputs[f"metrics.{candidate}"])["metrics"][name]
        for candidate in sorted(job.params["candidates"])
    }
    defined = [candidate for candidate in scores if scores[candidate]["value"] is not None]
    if not defined:
        raise StepError(f"no candidate can be selected: '{name}' is not defined on the validation rows")
    best = max(defined, key=lambda candidate: sign * scores[candidate]["value"])
    results.write_json(
        job.outputs["selection"],
        {
            "candidate": best,
            "metric": name,
            "greater_is_better": metric.greater_is_better,
            "scores": {
                candidate: {end: score[end] for end in ("value", "low", "high")} for candidate, score in scores.items()
            },
        },
    )
    state = results.read_json(job.inputs[f"state.{best}"])
    chosen, settings = job.params["candidates"][best]
    folder = job.outputs["model"]
    folder.mkdir(parents=True, exist_ok=True)
    package.write_about(
        folder,
        package.About(
            candidate=best,
            model=(chosen, results.tuned(settings, job.inputs.get(f"tuned.{best}"))),
            columns=tuple((column, kind) for column, kind in job.params["columns"]),
            target=job.params["target"][0],
            target_type=job.params["target"][1],
            task=job.params["task"],
            classes=state["target"]["classes"],
            positive=job.params["positive"],
        ),
    )
    shutil.copyfile(job.inputs[f"state.{best}"], folder / package.STATE)
    # Contents alone: what the store does to keep its files from being changed is not part of the package.
    for source in sorted(job.inputs[f"model.{best}"].rglob("*")):
        if source.is_file():
            copy = folder / package.MODEL / source.relative_to(job.inputs[f"model.{best}"])
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
