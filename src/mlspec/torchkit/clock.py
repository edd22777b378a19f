"""The time that a training may take, as all processes see it that train together."""

import time

import torch

from mlspec.torchkit import together

EVERY = 16  # steps between two looks at the clock, where processes have to agree on it
LOOKING = 0.4  # of the time that training takes for a row, to compute its loss alone


class Clock:
    """``seconds``: what a training may take, None for no limit, of which ``before`` were taken before it was resumed.

    ``held``: how many validation rows there are for each training row; ``steps``: of an epoch. ``passed``: the share of
    the time that has passed, 0 where there is no limit.
    """

    def __init__(
        self,
        seconds: float | None,
        before: float,
        held: float,
        steps: int,
        share: together.Share | None,
        device: torch.device,
    ) -> None:
        self._seconds, self._before, self._began = seconds, before, time.monotonic()
        self._held, self._steps, self._share, self._device = held, steps, share, device
        self._taken_steps = 0
        self._looking: float | None = None
        self.passed = 0.0 if seconds is None else min(1.0, before / max(seconds, 1e-9))

    def taken(self) -> float:
        """Seconds of the training so far, in all its attempts."""
        return self._before + time.monotonic() - self._began

    def looked(self, seconds: float) -> None:
        """How long it took to compute the validation loss."""
        self._looking = seconds

    def is_over(self, step: int, total: int) -> bool:
        """Whether no time is left after a step that is not the last one, but to compute the validation loss."""
        if self._seconds is None:
            return False
        self._taken_steps += 1
        if self._share is None or step % EVERY == 0 or step % self._steps == 0:
            own = time.monotonic() - self._began
            looking = self._looking
            if looking is None:
                looking = LOOKING * own / self._taken_steps * self._steps * self._held
            needed = self._before + own + looking
            if self._share is not None:
                summed = self._share.add(torch.tensor(needed, device=self._device))
                needed = float(summed) / self._share.size
            self.passed = min(1.0, needed / max(self._seconds, 1e-9))
        return self.passed >= 1.0 and step < total
