"""The selected candidate once more, with its settings, prepared and fitted on other rows or in another way."""

import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import replace

from mlspec import registry
from mlspec.machine import whole_files
from mlspec.models import _user_code
from mlspec.plugins.model import Model
from mlspec.steps import results
from mlspec.steps.data import feature_arrays, parquet, preparation, sampled_rows, split
from mlspec.steps.data.feature_arrays import Prepared
from mlspec.steps.job import Job
from mlspec.steps.results import GROUP
from mlspec.steps.serving import package, package_format
from mlspec.steps.serving.package_format import About
from mlspec.steps.training import train as train_step
from mlspec.steps.trust.mitigation import reduction

Array = np.ndarray[Any, Any]


TREES = 2  # the complexity of models of trees
LEAST = 0.01  # seconds that a fit is given
HISTORY = "history.json"  # of a member that is fitted; the last of its files


def run(job: Job) -> None:
    """``model`` (the package of the selection), ``train``, ``validation`` (raw), ``history.NAME`` of each candidate (or
    ``history.NAME.foldN`` of its folds) -> ``model`` (the package fitted again on both), ``report``. Where the rows are
    prepared by parts, their ``state.NAME``, ``train.NAME`` and ``validation.NAME`` take the place of raw rows.

    Each member keeps its settings, and its number of rounds is the one that its training found, or the median of its
    folds; what was fitted on held-out predictions (thresholds, calibration) stays. Where a member can't be fitted that
    way, or no rows decided the number of rounds, the package stays as it is, and ``report`` says why. Members that were
    fitted before a kill are not fitted again. Where the job's seconds are limited, members stay as they are for which
    they would not do, by what their trainings took, or do not.
    """
    until = None if job.seconds is None else time.monotonic() + job.seconds
    about = package_format.read_about(job.inputs["model"])
    members = about.consists_of()
    frames = _rows(job, members[0].candidate)
    train, validation = (parquet.count(frame) for frame in frames)
    found = [_as_found(job, member) for member in members]
    kept = next((member.candidate for member, model in zip(members, found, strict=True) if model is None), None)
    report: dict[str, Any] = {"train_rows": train, "validation_rows": validation, "members": [], "reason": None}
    lacking = not validation and not any(".fold" in name for name in job.inputs)
    again, needed = _in_time(job, members, (train + validation) / max(1, train))
    if lacking:
        report["reason"] = "there are no validation rows"
    elif kept is not None:
        report["reason"] = f"'{kept}' does not support it"
    elif not again:
        report["reason"] = f"it would take about {needed:.2g} s, and {job.seconds or 0:.2g} s of model.time are left"
    if report["reason"] is not None:
        _keep(job, report)
        return
    rows, fitted = job.scratch / "rows.parquet", []
    if "train" in job.inputs:
        split.write_chosen(frames, [np.ones(count, dtype=bool) for count in (train, validation)], rows)
    for number, (member, model) in enumerate(zip(members, cast(list[Model], found), strict=True)):
        scratch = job.scratch / str(number)
        place = package_format.place(job.outputs["model"], None if about.members is None else number)
        if number in again and not (scratch / HISTORY).exists():
            left = None if until is None else max(until - time.monotonic(), LEAST)
            _fit(job, member.candidate, model, rows, scratch, (number, len(members)), left)
        if number in again and results.read_json(scratch / HISTORY).get("stopped") == "time" and until is not None:
            again.remove(number)
        if number not in again:
            if about.members is None:
                _keep(job, {**report, "reason": "it was not done within model.time"})
                return
            package.copy(package_format.place(job.inputs["model"], number), place)
            fitted.append(member)
            continue
        package.copy(scratch / "package", place)
        fitted.append(replace(member, model=_used(member, model)))
        rounds = _rounds(model, results.read_json(scratch / HISTORY))
        report["members"].append({"candidate": member.candidate, **rounds})
    if len(again) < len(members):
        report["no_time"] = [member.candidate for number, member in enumerate(members) if number not in again]
    if about.members is None:
        about = replace(about, model=fitted[0].model)
    else:
        about = replace(about, members=tuple(fitted))
    package_format.write_about(job.outputs["model"], about)
    results.write_json(job.outputs["report"], report)


def _rows(job: Job, candidate: str) -> "list[pl.LazyFrame]":
    """The training and the validation rows, raw or as this candidate has them."""
    mark = "" if "train" in job.inputs else f".{candidate}"
    return [parquet.scan(job.inputs[f"{part}{mark}"]) for part in ("train", "validation")]


def _keep(job: Job, report: dict[str, Any]) -> None:
    """The package stays as it is."""
    package.copy(job.inputs["model"], job.outputs["model"])
    results.write_json(job.outputs["report"], report)


def _in_time(job: Job, members: Sequence[package_format.Member], more: float) -> tuple[set[int], float]:
    """The numbers of the members that can be fitted again in the job's seconds, those first that weigh most for their
    time, and the seconds that all need: what their trainings took, times how much ``more`` rows there are."""
    if job.seconds is None:
        return set(range(len(members))), 0.0
    needed = []
    for member in members:
        step = f"train.{member.candidate}"
        took = [one["seconds"] for name, one in job.records.items() if name == step or name.startswith(f"{step}.fold")]
        needed.append(more * max(took, default=0.0))
    again, left = set(), job.seconds
    for number in sorted(range(len(members)), key=lambda number: needed[number] / members[number].weight):
        if needed[number] <= left:
            again.add(number)
            left -= needed[number]
    return again, sum(needed)


def _as_found(job: Job, member: package_format.Member) -> Model | None:
    """The member's model with the number of rounds that its training found, or the median of those of its folds."""
    name = f"history.{member.candidate}"
    paths = [path for read, path in sorted(job.inputs.items()) if read == name or read.startswith(f"{name}.fold")]
    found = [_model(member.model).rounds_found(results.read_json(path)) for path in paths]
    models = [model for model in found if model is not None]
    if len(models) < len(found):
        return None
    middle = {
        field: sorted(getattr(model, field) for model in models)[len(models) // 2]
        for field in models[0].__struct_fields__
        if len({getattr(model, field) for model in models if type(getattr(model, field)) is int}) > 1
    }
    return replace(models[0], **middle)


def _model(used: tuple[str, dict[str, Any]]) -> Model:
    return cast(Model, msgspec.convert(used[1], registry.plugin("models", used[0])))


def _used(member: package_format.Member, model: Model) -> tuple[str, dict[str, Any]]:
    """The model (name, settings) as it was fitted."""
    (name, settings), before = member.model, _model(member.model)
    differ = {field: getattr(model, field) for field in model.__struct_fields__}
    differ = {field: value for field, value in differ.items() if value != getattr(before, field)}
    return name, {**settings, **differ}


def _fit(
    job: Job, candidate: str, model: Model, path: Path, scratch: Path, part: tuple[int, int], seconds: float | None
) -> None:
    """Prepare all of these rows and fit a model on them; both are in ``scratch``, the history last."""
    made, (number, count) = scratch / "package", part
    by_parts = f"state.{candidate}" in job.inputs
    if by_parts:
        frame = parquet.scan(*(job.inputs[f"{part}.{candidate}"] for part in ("train", "validation")))
        state = results.read_json(job.inputs[f"state.{candidate}"])
    else:
        frame = parquet.scan(path)
        state = preparation.fit(frame, job.params["candidates"][candidate], job.memory)
    rows = min(parquet.count(frame), model.rows or sys.maxsize)
    feature_arrays.fits(rows, state, model, job.allowed)
    feature_arrays.batch_fits(state, model, rows, job.allowed, device=job.device, accumulate=job.accumulate)
    if by_parts:
        train = feature_arrays.read(sampled_rows.chosen(frame, state, model.rows), state, scratch)
    else:
        fitted = preparation.supervised(state)
        (train,) = feature_arrays.prepared([frame], state, scratch / "rows", supervised=fitted, rows=model.rows)
    training = train_step.with_rows(job, model, state, train, _none(train), scratch / "checkpoints")

    def progress(what: str, share: float, figures: dict[str, float]) -> None:
        job.progress(f"{candidate}: {what}" if count > 1 else what, (number + share) / count, figures)

    shutil.rmtree(made, ignore_errors=True)
    (made / package_format.MODEL).mkdir(parents=True)
    with _user_code.importable(job.root):
        history = model.fit(replace(training, progress=progress, seconds=seconds), made / package_format.MODEL)
    results.write_json(made / package_format.STATE, package.without_fitted(state))
    whole_files.replace(scratch / HISTORY, msgspec.json.encode(history))


def _none(train: Prepared) -> Prepared:
    """No rows, of the same columns."""
    features = replace(train.features, numeric=train.features.numeric[:0], codes=train.features.codes[:0], mapped=())
    return Prepared(features, train.target[:0], None if train.weights is None else train.weights[:0])


def _rounds(model: Model, history: Mapping[str, Any]) -> dict[str, Any]:
    """How many rounds a fit took, and what they are; nothing for one formula."""
    if "epochs" in history:
        return {"rounds": history["epochs"], "counted": "epoch"}
    trees = history.get("trees", history.get("iterations")) if model.complexity == TREES else None
    return {} if trees is None else {"rounds": trees, "counted": "tree"}


def answers(
    job: Job,
    about: About,
    train: "pl.LazyFrame",
    validation: "pl.LazyFrame",
    candidates: Mapping[str, dict[str, Any]],
    folder: Path,
    *,
    seed: int,
    priced: Mapping[str, Any] | None = None,
) -> "tuple[Array, Array]":
    """The truth (n,) and the answers to the validation rows, (n, classes) or (n,), of the model described by ``about``.

    ``candidates``: how each one's rows are prepared (params of its step). ``priced``: the bound of a constrained
    candidate (params of its mitigation) with the ``prices`` that were found. Nothing is corrected afterwards. Raises
    StepError as the steps that it means do.
    """
    if about.members is None:
        return _answers(job, about.candidate, about.model, train, validation, candidates, folder, seed, priced)
    total: Any = 0.0
    truth: Any = None
    for member in about.members:
        own = folder / member.candidate
        truth, answer = _answers(job, member.candidate, member.model, train, validation, candidates, own, seed, priced)
        total = total + member.weight * answer
    return truth, total


def _answers(
    job: Job,
    candidate: str,
    used: tuple[str, dict[str, Any]],
    train: "pl.LazyFrame",
    validation: "pl.LazyFrame",
    candidates: Mapping[str, dict[str, Any]],
    folder: Path,
    seed: int,
    priced: Mapping[str, Any] | None,
) -> "tuple[Array, Array]":
    name, settings = used
    model = cast(Model, msgspec.convert(settings, registry.plugin("models", name)))
    state = preparation.fit(train, candidates[candidate], job.memory)
    fitted = preparation.supervised(state)
    known = preparation.with_folds(train) if fitted else train
    rows = sampled_rows.chosen(
        preparation.apply(known, state, fitted=fitted).collect().lazy(), state, model.rows
    ).collect()
    held = preparation.apply(validation, state).collect()
    own, others = (feature_arrays.of(part, state) for part in (rows, held))
    training = train_step.with_rows(job, model, state, own, others, folder / "checkpoints")
    training = replace(training, seed=seed, progress=_silent)
    place = folder / "model"
    place.mkdir(parents=True, exist_ok=True)
    with _user_code.importable(job.root):
        if priced is None:
            model.fit(training, place)
        else:
            groups = rows[GROUP].to_numpy(), held[GROUP].to_numpy()
            reduction.fit_priced(model, training, *groups, priced, priced["prices"], place)
        predictor = model.load(place, training.device)
    answer = preparation.answer(predictor.predict(training.validation), state)
    return preparation.target(held, state), answer


def _silent(_what: str, _share: float, _figures: dict[str, float]) -> None:
    pass
