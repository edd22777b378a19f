"""How long each trial trains: stops after some epochs, and who goes on from there."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import msgspec
from scipy.stats import wilcoxon

REDUCTION = 3  # of the trials that have come to a stop, one in so many goes on
STOPS = 4
MEDIAN_STOPS = 8
SHOWN = 0.1  # how likely chance is to make a trial look so much worse than the best, at which it ends (as in Optuna)
MEDIAN_OF = 5  # trials that must have come to a stop before the median of them says anything


class Standing(msgspec.Struct, frozen=True):
    """How far a trial has come: its scores by stop (epochs), greater is better; ``open`` while it may go on."""

    number: int
    scores: dict[int, float]
    open: bool


def stops(pruner: str, epochs: int) -> tuple[int, ...]:
    """The epochs (for wilcoxon: the folds) after which trials stop to be compared; the last is all of them."""
    if pruner in ("asha", "hyperband"):
        return tuple(sorted({max(1, round(epochs / REDUCTION**k)) for k in range(STOPS)}))
    if pruner == "wilcoxon":
        return tuple(range(1, epochs + 1))
    if pruner == "median":
        return tuple(sorted({max(1, round(epochs * k / MEDIAN_STOPS)) for k in range(1, MEDIAN_STOPS + 1)}))
    return (epochs,)


def first(pruner: str, number: int, levels: Sequence[int]) -> int:
    """The first stop of a trial. Trial 0 is the candidate as it is written and trains to the end.

    hyperband (Li et al. 2018) gives each bracket, from the most to the least daring, its share of the trials.
    """
    if pruner == "wilcoxon":
        return levels[0]
    if number == 0:
        return levels[-1]
    if pruner != "hyperband":
        return levels[0]
    weights = [REDUCTION ** (len(levels) - 1 - b) / (len(levels) - b) for b in range(len(levels))]
    given = [0] * len(levels)
    for _index in range(number):
        due = [w / sum(weights) * (sum(given) + 1) - g for w, g in zip(weights, given, strict=True)]
        chosen = due.index(max(due))
        given[chosen] += 1
    return levels[chosen]


def promoted(
    pruner: str, standings: Sequence[Standing], levels: Sequence[int], *, busy: frozenset[int]
) -> tuple[int, int] | None:
    """The trial that goes on, and to which stop; None where none has earned it.

    asha (Li et al. 2020): of those that came to a stop, the best third. median (Golovin et al. 2017): who is not worse
    than the median of the others there.
    """
    for level, onward in reversed(list(pairwise(levels))):
        here = sorted((s for s in standings if level in s.scores), key=lambda s: (-s.scores[level], s.number))
        able = [s for s in here if s.open and s.number not in busy and max(s.scores) == level]
        if pruner == "wilcoxon":
            chosen = able
        elif pruner == "median":
            chosen = [s for s in able if not _is_below_median(s, here, level)]
        else:
            best = {s.number for s in here[: len(here) // REDUCTION]}
            chosen = [s for s in able if s.number in best]
        if chosen:
            return chosen[0].number, onward
    return None


def leader(standings: Sequence[Standing], levels: Sequence[int]) -> tuple[int, int] | None:
    """When nothing new begins: who came farthest and is best there goes on, so that the winner trains to its end."""
    rest = [s for s in standings if s.open and s.scores]
    if not rest:
        return None
    farthest = max(max(s.scores) for s in rest)
    if any(max(s.scores, default=0) > farthest for s in standings if s.number != 0):
        return None
    best = max((s for s in rest if max(s.scores) == farthest), key=lambda s: (s.scores[farthest], -s.number))
    return best.number, next(level for level in levels if level > farthest)


def is_shown_worse(folds: Sequence[float], best: Sequence[float]) -> bool:
    """Whether a trial's scores on its folds so far are worse than the best trial's on these, by the one-sided
    signed-rank test (Wilcoxon 1945); greater is better."""
    apart = [other - own for own, other in zip(folds, best, strict=False)]
    if sum(apart) <= 0:
        return False
    return bool(wilcoxon(apart, alternative="greater", zero_method="zsplit", method="auto").pvalue < SHOWN)


def is_pruned(standing: Standing, standings: Sequence[Standing]) -> bool:
    """Whether the median says that a trial ends where it is."""
    level = max(standing.scores)
    return _is_below_median(standing, [s for s in standings if level in s.scores], level)


def _is_below_median(standing: Standing, here: Sequence[Standing], level: int) -> bool:
    others = [s.scores[level] for s in here if s.number != standing.number]
    return len(others) >= MEDIAN_OF and standing.scores[level] < median(others)
