"""The selected candidate once more, with its settings, prepared and fitted on other rows or in another way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import polars as pl

from mlspec import registry
from mlspec.models import _user_code
from mlspec.plugins.model import Model, Training
from mlspec.steps.data import preparation
from mlspec.steps.job import Job
from mlspec.steps.results import GROUP
from mlspec.steps.serving.package_format import About
from mlspec.steps.trust.mitigation import reduction

Array = np.ndarray[Any, Any]


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
    rows = preparation.apply(known, state, fitted=fitted).collect()
    held = preparation.apply(validation, state).collect()
    classes = state["target"]["classes"]
    training = Training(
        features=preparation.features(rows, state),
        target=preparation.learned(preparation.target(rows, state), state),
        validation=preparation.features(held, state),
        validation_target=preparation.learned(preparation.target(held, state), state),
        task=job.params["task"],
        classes=0 if classes is None else len(classes),
        seed=seed,
        device=job.device if model.uses_device else "cpu",
        threads=job.threads,
        checkpoints=folder / "checkpoints",
        progress=lambda _what, _share, _figures: None,
        weights=preparation.weights(rows, state),
        validation_weights=preparation.weights(held, state),
        precision=job.params.get("precision", "fp32"),
        compile=job.params.get("compile", False),
        accumulate=job.accumulate,
    )
    place = folder / "model"
    place.mkdir(parents=True, exist_ok=True)
    with _user_code.importable(job.root):
        if priced is None:
            model.fit(training, place)
        else:
            own, others = rows[GROUP].to_numpy(), held[GROUP].to_numpy()
            reduction.fit_priced(model, training, own, others, priced, priced["prices"], place)
        predictor = model.load(place, training.device)
    answer = preparation.answer(predictor.predict(training.validation), state)
    return preparation.target(held, state), answer
