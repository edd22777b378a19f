"""Fits that grow round by round until their time is over."""

import math
from collections.abc import Callable

from mlspec.plugins.model import Training

STOPPED = {"stopped": "time"}  # in the history of a fit that had no time to finish


def started(training: Training, began: float) -> Callable[[], float]:
    """The countdown of a fit that began at ``began``, with what it will be saved by imported."""
    if training.seconds is not None:
        from mlspec.sklearnkit.skops_io import skops_io

        skops_io()
    return training.countdown(began)


def grow(
    to: Callable[[int], bool], most: int, left: Callable[[], float], *, first: int = 1, saving: float = 0.0
) -> bool:
    """Call ``to`` with rising numbers of rounds, at last ``most``, as long as there is time; whether time was short.

    ``to`` fits up to that many rounds and says whether it has finished before them. Each piece takes about half of the
    time that is left, by what a round took in the one before; without a limit there is one piece. ``saving``: the
    seconds that it takes to save a round.
    """
    if math.isinf(left()):
        to(most)
        return False
    done, piece = 0, first
    while piece:
        before, wanted = left(), min(most, done + piece)
        if to(wanted) or wanted == most:
            return False
        each = max(before - left(), 1e-6) / (wanted - done)
        done = wanted
        piece = max(0, int(min((left() - saving * done) / (each + saving) / 2, most)))
    return True
