"""Fits a model on prepared training rows."""

import os
import sys
from pathlib import Path
from typing import cast

import msgspec

from mlspec import registry
from mlspec.models import _user_code
from mlspec.plugins.base import State
from mlspec.plugins.model import Model, Training
from mlspec.steps import results
from mlspec.steps.data import feature_arrays, parquet, sampled_rows
from mlspec.steps.data.feature_arrays import Prepared
from mlspec.steps.job import Job
from mlspec.steps.training import distributed, member
from mlspec.steps.trust.mitigation import reduction


def run(job: Job) -> None:
    """``train``, ``validation``, ``state`` (and ``tuned``, the settings found) -> ``model``, ``history``.

    A user's own module is looked for in the spec's folder first. Checkpoints are in the job's scratch folder. Several
    processes do this together, each all of it, if the backend asks for it. ``mitigation``: fitted with a price on
    differences between groups. A job without any seconds gives a model that is left out.
    """
    mitigation = job.params.get("mitigation")
    if job.seconds == 0:
        job.outputs["model"].mkdir(parents=True, exist_ok=True)
        results.write_json(job.outputs["model"] / results.LEFT_OUT, {"reason": results.NO_TIME})
        results.write_json(job.outputs["history"], {"left_out": True, "warnings": [results.NO_TIME]})
        return
    if job.processes > 1 and not member.is_member():
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
            state = results.read_json(job.inputs["state"])
            chosen = sampled_rows.where(parquet.scan(job.inputs["train"]), state, model.rows)
            groups = groups if chosen is None else groups[chosen]
            scratch, folder = job.scratch / "rounds", job.outputs["model"]
            history = reduction.fit(model, training(job, model), groups, held, mitigation, scratch, folder)
    rows = parquet.count(parquet.scan(job.inputs["train"]))
    results.write_json(job.outputs["history"], sampled_rows.said(history, rows, model.rows))


def training(job: Job, model: Model, rows: int | None = None) -> Training:
    """What a model is fitted with, from prepared rows: all of them, or the first ``rows``.

    Raises StepError where they surely take more memory than there is for them.
    """
    state = results.read_json(job.inputs["state"])
    if rows is None:
        count = min(parquet.count(parquet.scan(job.inputs["train"])), model.rows or sys.maxsize)
        feature_arrays.fits(count, state, model, job.allowed)
        feature_arrays.batch_fits(state, model, count, job.allowed, device=job.device, accumulate=job.accumulate)
    share = _share(job, model) if rows is None else None
    if share is not None:
        train, validation = (
            feature_arrays.read_share(job.inputs[part], state, job.scratch, *share) for part in ("train", "validation")
        )
    else:
        frames = [parquet.scan(job.inputs[part]) for part in ("train", "validation")]
        frames = [frame.head(rows) for frame in frames] if rows is not None else frames
        frames[0] = sampled_rows.chosen(frames[0], state, model.rows)
        train, validation = (feature_arrays.read(frame, state, job.scratch) for frame in frames)
    return with_rows(job, model, state, train, validation, job.scratch / "checkpoints")


def _share(job: Job, model: Model) -> tuple[int, int] | None:
    """Which of how many processes this is, where each reads its share of the rows."""
    if not member.is_member() or not model.shares_rows or model.rows or job.params.get("mitigation") is not None:
        return None
    return int(os.environ["RANK"]), job.processes


def with_rows(
    job: Job, model: Model, state: State, train: Prepared, validation: Prepared, checkpoints: Path
) -> Training:
    """What a model is fitted with, from these rows."""
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
        checkpoints=checkpoints,
        progress=job.progress,
        weights=train.weights,
        validation_weights=validation.weights,
        precision=job.params.get("precision", "fp32"),
        compile=job.params.get("compile", False),
        accumulate=job.accumulate,
        seconds=job.seconds,
    )
