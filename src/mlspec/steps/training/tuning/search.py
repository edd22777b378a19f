"""The search itself: asks for points, decides how far each is trained, and knows who is best."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from mlspec.steps.training.tuning import pruning, samplers
from mlspec.steps.training.tuning.journal import Journal, Piece, Result
from mlspec.steps.training.tuning.samplers import Known, State
from mlspec.steps.training.tuning.space import Space

Do = Callable[[Sequence[Piece]], Sequence[Result]]
Tell = Callable[["list[Trial]"], None]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched and for how long; ``written`` is the point of the candidate as it is in the spec, ``epochs``
    how many a whole training has (1 where it can't be paused; where trials are scored fold by fold, the folds)."""

    space: Space
    written: dict[str, Any]
    trials: int
    time: float | None
    sampler: str
    pruner: str
    parallel: int
    seed: int
    epochs: int
    maximize: bool


class Trial(msgspec.Struct):
    """A point and how it did: its scores by stop (epochs), greater is better; ``folds``: those of each fold, where the
    score is their mean."""

    number: int
    point: dict[str, Any]
    scores: dict[int, float] = {}
    state: State = "asked"
    epochs: int = 0
    error: str | None = None
    folds: list[float] = []

    @property
    def score(self) -> float | None:
        """The score where it stopped."""
        return self.scores[max(self.scores)] if self.scores else None


def search(plan: Plan, journal: Journal, do: Do, tell: Tell) -> list[Trial]:
    """All trials, in the order of their numbers.

    Pieces are done ``parallel`` at a time and their results taken in order, so what is tried depends on no clock
    (unless there is a limit of time): a search that goes on from its journal ends as one that was never interrupted.
    """
    levels = pruning.stops(plan.pruner, plan.epochs)
    trials: list[Trial] = []
    elapsed = 0.0
    while True:
        pieces: list[Piece] = []
        late = plan.time is not None and elapsed >= plan.time
        while len(pieces) < plan.parallel:
            piece = _next(plan, trials, levels, frozenset(p.trial for p in pieces), late)
            if piece is None:
                break
            pieces.append(piece)
        if not pieces:
            return trials
        found = {piece.trial: journal.find(piece) for piece in pieces}
        wanted = [piece for piece in pieces if found[piece.trial] is None]
        if wanted:
            made = do(wanted)
            journal.add(made)
            found |= {result.trial: result for result in made}
        results = [result for piece in pieces if (result := found[piece.trial]) is not None]
        for result in results:
            _take(plan, trials, levels, result)
        elapsed += max(result.seconds for result in results)
        tell(trials)


def best(trials: Sequence[Trial]) -> Trial | None:
    """The best of those that trained to their end; None where none did."""
    complete = [t for t in trials if t.state == "complete" and t.score is not None]
    return max(complete, key=lambda t: (t.score, -t.number), default=None)


def known(trials: Sequence[Trial], *, maximize: bool) -> list[Known]:
    """What a sampler learns of the trials."""
    sign = 1.0 if maximize else -1.0
    return [
        Known(t.point, t.state, None if t.score is None else sign * t.score, max(t.scores, default=0)) for t in trials
    ]


def _next(plan: Plan, trials: list[Trial], levels: Sequence[int], busy: frozenset[int], late: bool) -> Piece | None:
    """The next piece of the search, which is noted among the trials; None where there is none now."""
    standings = [pruning.Standing(t.number, t.scores, t.state == "paused") for t in trials]
    if not late:
        onward = pruning.promoted(plan.pruner, standings, levels, busy=busy)
        if onward is not None:
            return _piece(trials, *onward)
        number = len(trials)
        if number < plan.trials:
            point: Mapping[str, Any] | None = plan.written
            if number > 0:
                seen = known(trials, maximize=plan.maximize)
                point = samplers.suggest(plan.sampler, plan.space, plan.seed, number, seen, maximize=plan.maximize)
            if point is not None:
                trials.append(Trial(number, dict(point)))
                return _piece(trials, number, pruning.first(plan.pruner, number, levels))
    if busy:
        return None
    onward = pruning.leader(standings, levels)
    return None if onward is None else _piece(trials, *onward)


def _piece(trials: Sequence[Trial], number: int, until: int) -> Piece:
    return Piece(number, trials[number].point, until)


def _take(plan: Plan, trials: list[Trial], levels: Sequence[int], result: Result) -> None:
    trial = trials[result.trial]
    if result.score is None:
        trial.state, trial.error = "failed", result.error
        return
    # One that stopped early by itself has come to all later stops too.
    reached = [result.until] if result.paused else [level for level in levels if level >= result.until]
    score = result.score
    if plan.pruner == "wilcoxon":
        trial.folds = [*trial.folds, score]
        reached, score = [result.until], sum(trial.folds) / len(trial.folds)
    trial.scores = {**trial.scores, **dict.fromkeys(reached, score)}
    trial.epochs = result.epochs
    trial.state = "paused" if result.paused else "complete"
    if plan.pruner == "wilcoxon" and result.paused and trial.number > 0:
        leading = best(trials)
        if leading is not None and pruning.is_shown_worse(trial.folds, leading.folds):
            trial.state = "pruned"
    if plan.pruner == "median" and result.paused:
        standings = [pruning.Standing(t.number, t.scores, True) for t in trials]
        if pruning.is_pruned(standings[trial.number], standings):
            trial.state = "pruned"
