"""Trains and scores pieces of trials: in this process, several at a time in processes of their own, or elsewhere."""

import contextlib
import fcntl
import functools
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import msgspec

from mlspec import registry
from mlspec.diagnostics import StepError
from mlspec.machine import child_process, resources
from mlspec.models import _user_code
from mlspec.plugins.metric import Metric
from mlspec.plugins.model import Model, Training
from mlspec.steps import results
from mlspec.steps.data import feature_arrays, parquet, preparation, sampled_rows
from mlspec.steps.job import Job, Part
from mlspec.steps.training.tuning import space
from mlspec.steps.training.tuning.journal import Piece, Result

Progress = Callable[[str, float, dict[str, float]], None]


class Fold(msgspec.Struct, frozen=True):
    """The prepared rows of a fold (paths): to train on, to stop by, held out; and the preparation."""

    train: str
    validation: str
    heldout: str
    state: str


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """All that a process needs to train a trial: paths and plain values. ``folds``: trials are scored on these, one by
    one, and the other paths are empty."""

    train: str
    validation: str
    state: str
    model: tuple[str, dict[str, Any]]
    metric: tuple[str, dict[str, Any]]
    task: str
    seed: int
    device: str
    precision: str = "fp32"
    compile: bool = False
    accumulate: bool = False
    allowed: int | None = None
    threads: int
    scratch: str
    root: str
    folds: tuple[Fold, ...] = ()
    progress: Any = None


def work_of(job: Job, progress: Progress | None = None) -> Work:
    """What the trials of a tuning need of its job, or of that of one of its parts."""
    params = job.params
    return Work(
        train=str(job.inputs.get("train", "")),
        validation=str(job.inputs.get("validation", "")),
        state=str(job.inputs.get("state", "")),
        folds=tuple(
            Fold(*(str(job.inputs[f"{part}.{number}"]) for part in ("train", "validation", "heldout", "state")))
            for number in range(1, params.get("folds", 0) + 1)
        ),
        model=tuple(params["model"]),
        metric=tuple(params["metric"]),
        task=params["task"],
        seed=params["seed"],
        device=job.device,
        precision=params.get("precision", "fp32"),
        compile=params.get("compile", False),
        accumulate=job.accumulate,
        allowed=job.allowed,
        threads=1 if params["parallel"] > 1 else job.threads,
        scratch=str(job.scratch),
        root=str(job.root),
        progress=progress,
    )


@contextlib.contextmanager
def doing_elsewhere(job: Job) -> Iterator[Callable[[Sequence[Piece]], Sequence[Result]]]:
    """A function that has each piece done on a machine of its own; checkpoints are in the scratch folder of all."""
    assert job.do_parts is not None
    begin = job.do_parts

    def do(pieces: Sequence[Piece]) -> list[Result]:
        parts = [
            Part(
                f"trial-{piece.trial}-{piece.until}", run.__module__, {"piece": msgspec.to_builtins(piece)}, ("result",)
            )
            for piece in pieces
        ]
        return [msgspec.json.decode(found["result"].read_bytes(), type=Result) for found in begin(parts)]

    yield do


def run(job: Job) -> None:
    """A piece of a trial, as a part of its tuning -> ``result``."""
    result = Trainer(work_of(job)).do(msgspec.convert(job.params["piece"], Piece))
    results.write_json(job.outputs["result"], msgspec.to_builtins(result))


@contextlib.contextmanager
def doing(work: Work, parallel: int) -> Iterator[Callable[[Sequence[Piece]], Sequence[Result]]]:
    """A function that does pieces and returns their results in their order."""
    if parallel == 1:
        trainer = Trainer(work)
        yield lambda pieces: [trainer.do(piece) for piece in pieces]
        return
    plain = msgspec.json.encode(msgspec.structs.replace(work, progress=None))
    # How many points are asked for at once is part of the search; how many processes work on them is not.
    with child_process.safe_path(), _pool(min(parallel, resources.cores())) as pool:
        yield lambda pieces: list(pool.map(functools.partial(_do, plain), pieces))


class Trainer:
    """The rows, read once, and what is done with them for each piece."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._cls = cast(type[Model], registry.plugin("models", work.model[0]))
        self._metric = cast(Metric, msgspec.convert(work.metric[1], registry.plugin("metrics", work.metric[0])))
        self._known: dict[int, tuple[Training, Training, dict[str, Any]]] = {}

    def do(self, piece: Piece) -> Result:
        """Train a trial up to a stop and score it on the validation rows."""
        # A node may still be at work on it that a killed run has asked, whatever engine the next run uses.
        with _alone(Path(self._work.scratch, f"trial-{piece.trial}.lock")):
            return self._do(piece)

    def _do(self, piece: Piece) -> Result:
        began = time.perf_counter()
        scratch = Path(self._work.scratch, f"trial-{piece.trial}")
        folder = scratch / "model"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        score, history, error = None, {}, None  # type: float | None, dict[str, Any], str | None
        folds = len(self._work.folds)
        fitted, judged, state = self._rows(piece.until if folds else 0)
        text = msgspec.structs.replace(
            fitted,
            until=piece.until if self._cls.pausable and not folds else None,
            checkpoints=scratch / ("checkpoints" if not folds else f"fold-{piece.until}"),
        )
        try:
            with _user_code.importable(Path(self._work.root)):
                model = msgspec.convert(space.put(self._work.model[1], piece.point), self._cls)
                allowed, device = self._work.allowed, text.device
                count = len(text.target)
                feature_arrays.batch_fits(state, model, count, allowed, device=device, accumulate=text.accumulate)
                history = model.fit(text, folder)
                score = self._score(model, folder, judged, state)
        except (StepError, ValueError, ArithmeticError, msgspec.ValidationError) as wrong:
            error = " ".join(f"{wrong}".split())[:300]
        paused = piece.until < folds and error is None if folds else bool(history.get("paused"))
        if not paused or folds:
            shutil.rmtree(scratch, ignore_errors=True)
        return Result(
            trial=piece.trial,
            point=piece.point,
            until=piece.until,
            score=score,
            epochs=int(history.get("epochs", 0)),
            paused=paused,
            seconds=round(time.perf_counter() - began, 6),
            error=error,
        )

    def _rows(self, fold: int) -> tuple[Training, Training, dict[str, Any]]:
        """What a trial is fitted with, what it is judged on (as validation rows), and the preparation; read once."""
        if fold not in self._known:
            if not fold:
                work = self._work
                fitted = training(work, self._cls)
                judged = fitted
            else:
                own = self._work.folds[fold - 1]
                work = msgspec.structs.replace(self._work, train=own.train, validation=own.validation, state=own.state)
                fitted = training(work, self._cls, scored=False)
                judged = training(msgspec.structs.replace(work, validation=own.heldout), self._cls)
            self._known[fold] = fitted, judged, results.read_json(Path(work.state))
        return self._known[fold]

    def _score(self, model: Model, folder: Path, judged: Training, state: dict[str, Any]) -> float:
        predictor = model.load(folder, judged.device)
        prediction = preparation.answer(predictor.predict(judged.validation), state)
        value = self._metric.score(preparation.answer(judged.validation_target, state), prediction)
        if not math.isfinite(value):
            raise StepError(f"'{self._work.metric[0]}' is not defined on its predictions of the held-out rows")
        return float(value) if self._metric.greater_is_better else -float(value)


def training(work: Work, model: type[Model], *, scored: bool = True) -> Training:
    """What a model is fitted with. Raises StepError when there are no validation rows and trials are ``scored`` on
    them."""
    state = results.read_json(Path(work.state))
    sample = sampled_rows.chosen(parquet.scan(Path(work.train)), state, work.model[1].get("rows"))
    frames = (sample, parquet.scan(Path(work.validation)))
    train, validation = (feature_arrays.read(frame, state, Path(work.scratch)) for frame in frames)
    if scored and not len(validation.target):
        raise StepError("tuning needs validation rows: give `data.split.validation` a share")
    classes = state["target"]["classes"]
    return Training(
        features=train.features,
        target=train.target,
        validation=validation.features,
        validation_target=validation.target,
        task=cast(Any, work.task),
        classes=0 if classes is None else len(classes),
        seed=work.seed,
        device=work.device if model.uses_device else "cpu",
        threads=work.threads,
        checkpoints=Path(work.scratch),
        progress=work.progress or _silent,
        weights=train.weights,
        validation_weights=validation.weights,
        precision=work.precision,
        compile=work.compile,
        accumulate=work.accumulate,
    )


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _pool(parallel: int) -> "ProcessPoolExecutor":
    # A forked copy of a process that runs numeric libraries' threads can hang.
    return ProcessPoolExecutor(
        parallel, mp_context=get_context("spawn"), initializer=child_process.die_with, initargs=(os.getpid(),)
    )


def _do(work: bytes, piece: Piece) -> Result:
    return _trainer(work).do(piece)


@functools.lru_cache(maxsize=1)
def _trainer(work: bytes) -> Trainer:
    return Trainer(msgspec.json.decode(work, type=Work))


def _silent(_what: str, _share: float, _figures: dict[str, float]) -> None:
    pass
