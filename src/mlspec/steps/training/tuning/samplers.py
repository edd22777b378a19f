"""What is tried next: a point that follows from the seed, the trial's number and the trials before it."""

import functools
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from scipy.stats import qmc

from mlspec.steps.training.tuning.space import Space, at, decode, distributions, encode, grid

State = Literal["asked", "paused", "pruned", "complete", "failed"]
STARTUP = 10  # random points before a sampler that learns begins to


class Known(msgspec.Struct, frozen=True):
    """What a sampler learns of a trial: its point, its score (None while it has none), after how many epochs."""

    point: dict[str, Any]
    state: State
    score: float | None
    epochs: int


def suggest(
    sampler: str, space: Space, seed: int, number: int, known: Sequence[Known], *, maximize: bool
) -> dict[str, Any] | None:
    """The point of trial ``number``; None where a grid has come to its end.

    tpe (Bergstra et al. 2011; multivariate, constant liar) and gp are Optuna's, created for each trial with a separate
    seed, so that a resumed search chooses the same.
    """
    if sampler == "grid":
        points = grid(space)
        return points[number - 1] if number <= len(points) else None
    if sampler == "qmc":
        return at(space, _sobol(len(space), seed, number))
    if sampler == "random" or number < STARTUP:
        return _random(space, seed, number)
    return _learned(sampler, space, seed, number, known, maximize)


def importance(space: Space, known: Sequence[Known], *, maximize: bool) -> dict[str, float]:
    """How much each setting matters for being among the better trials (PED-ANOVA, Watanabe et al. 2023); shares of 1.

    Empty if there are too few trials.
    """
    finished = [one for one in known if one.state == "complete"]
    if len(finished) < STARTUP or len(space) < 2:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with _quiet():
        study = _study(space, finished, None, maximize)
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), normalize=True)
    return {name: float(found[name]) for name in space if name in found}


def _learned(
    sampler: str, space: Space, seed: int, number: int, known: Sequence[Known], maximize: bool
) -> dict[str, Any]:
    from optuna.samplers import BaseSampler, GPSampler, TPESampler

    own = int.from_bytes(hashlib.sha256(f"trial {seed} {number}".encode()).digest()[:4], "big")
    wanted = _distributions(space)
    made: BaseSampler
    with _quiet():
        if sampler == "gp":
            made = GPSampler(seed=own, n_startup_trials=1, deterministic_objective=True)
        else:
            made = TPESampler(seed=own, n_startup_trials=1)
        study = _study(space, known, made, maximize)
        return decode(space, study.ask(wanted).params)


def _random(space: Space, seed: int, number: int) -> dict[str, Any]:
    return at(space, np.random.default_rng([seed, number]).random(len(space)).tolist())


def _study(space: Space, known: Sequence[Known], sampler: Any, maximize: bool) -> Any:
    """The trials as an Optuna study that holds them as they are: adding them one by one would copy each time."""
    import optuna
    from optuna.storages import InMemoryStorage
    from optuna.trial import FrozenTrial, TrialState, create_trial

    states = {
        "complete": TrialState.COMPLETE,
        "asked": TrialState.RUNNING,
        "paused": TrialState.PRUNED,
        "pruned": TrialState.PRUNED,
    }
    wanted = _distributions(space)
    trials: list[FrozenTrial] = []
    for one in known:
        point = encode(space, one.point)
        if point is None or one.state == "failed":
            continue
        state = states[one.state]
        trial = create_trial(
            params=point,
            distributions=wanted,
            state=state,
            value=one.score if state == TrialState.COMPLETE else None,
            intermediate_values={one.epochs: one.score} if one.score is not None else {},
        )
        trial.number = trial._trial_id = len(trials)
        trials.append(trial)

    class Given(InMemoryStorage):
        def get_all_trials(self, study_id: int, deepcopy: bool = True, states: Any = None) -> list[FrozenTrial]:
            return [trial for trial in trials if states is None or trial.state in states]

    return optuna.create_study(storage=Given(), direction="maximize" if maximize else "minimize", sampler=sampler)


def _distributions(space: Space) -> Any:
    return _cached(tuple((name, kind, tuple(map(_frozen, ends))) for name, (kind, ends) in space.items()))


@functools.lru_cache(maxsize=4)
def _cached(space: tuple[tuple[str, str, tuple[Any, ...]], ...]) -> Any:
    return distributions({name: (kind, ends) for name, kind, ends in space})


def _frozen(value: Any) -> Any:
    return str(value) if isinstance(value, list | dict | Mapping) else value


def _sobol(dimensions: int, seed: int, number: int) -> list[float]:
    points = qmc.Sobol(dimensions, scramble=True, rng=seed)
    if number > 1:
        points.fast_forward(number - 1)
    return [float(u) for u in points.random(1)[0]]


class _quiet:  # noqa: N801 (reads as a word in a with statement)
    """Optuna's talk goes nowhere: what matters of it is in the journal."""

    def __enter__(self) -> None:
        import optuna

        self._before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, *error: Any) -> None:
        import optuna

        self._caught.__exit__(*error)
        optuna.logging.set_verbosity(self._before)
