"""Training whose weights reveal little about any single row: DP-SGD (Abadi and others 2016).

Each row is in a step's batch with the same probability, by itself; its gradient is cut to a length; and noise that is
calibrated to the stated budget is added to their sum. Clipping, calibration and accounting (Rényi differential privacy,
Mironov 2017) are opacus'. What is random is a keystream (SHAKE-256) that only who has the key can compute: torch's
generator on a CPU takes 32 bits of a seed, few enough to try them all.
"""

import hashlib
import hmac
import math
import os
import warnings
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from mlspec.diagnostics import StepError
from mlspec.torchkit.batches import Rows
from mlspec.torchkit.settings import Private
from mlspec.torchkit.stepping import Loss

AT_ONCE = 1 << 26  # numbers of single rows' gradients in memory
SETTING = "private"


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a training promises of each row: with ``delta``, at most ``epsilon`` however it ended, and ``spent`` by the
    steps that it took; ``noise`` is the standard deviation in units of ``clip``, ``rate`` the probability of a row to
    be in a batch."""

    epsilon: float
    spent: float
    delta: float
    clip: float
    noise: float
    rate: float
    steps: int
    planned: int
    accountant: str = "rdp"


def calibrated(private: Private, rate: float, steps: int) -> float:
    """The least noise, to opacus' tolerance, with which so many steps stay within the budget.

    Raises StepError where no noise does.
    """
    try:
        from opacus.accountants.utils import get_noise_multiplier
    except ImportError:
        message = "private training needs the package opacus: pip install 'mlspec-compiler[privacy]'"
        raise StepError(message, SETTING) from None
    try:
        with warnings.catch_warnings():
            # That a wider range of orders might give a tighter bound makes this one no less of a bound.
            warnings.simplefilter("ignore")
            found = get_noise_multiplier(
                target_epsilon=private.epsilon,
                target_delta=private.delta,
                sample_rate=rate,
                steps=steps,
                accountant="rdp",
            )
    except ValueError:
        raise StepError(f"no noise keeps {steps:,} steps within epsilon {private.epsilon:g}", SETTING) from None
    return float(found)


def accounted(noise: float, rate: float, steps: int, delta: float) -> float:
    """The epsilon of so many steps, by opacus' accountant."""
    from opacus.accountants import RDPAccountant

    if not steps:
        return 0.0
    accountant = RDPAccountant()
    accountant.history = [(noise, rate, steps)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(accountant.get_epsilon(delta))


class PrivateStepper:
    """Takes the steps of a private training, and picks their rows.

    What is random at a step follows from the key, the settings, the rows and the step's number: a training that was
    killed goes on with the very noise that it would have had, and spends its budget once; of two trainings that differ
    in a row or a setting, the noise of one reveals nothing about the other's.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        rows: Rows,
        private: Private,
        about: str,
        *,
        size: int,
        steps: int,
    ) -> None:
        count = len(rows.target)
        if private.delta * count >= 1:
            raise StepError(
                f"delta {private.delta:g} allows to give one of the {count:,} training rows away: take one well below "
                f"1 / {count:,}",
                SETTING,
            )
        self.parts, self.share = 1, None
        self._threshold = math.floor(size / count * 2**32)
        self._rate, self._planned = self._threshold / 2**32, steps
        self._private, self._noise = private, calibrated(private, size / count, steps)
        self._module, self._rows, self._size = module, rows, size
        self._root = _root(private, about, rows)
        self._parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self._piece = max(1, AT_ONCE // max(1, sum(p.numel() for p in self._parameters.values())))
        from opacus.optimizers import DPOptimizer

        self._optimizer = DPOptimizer(
            optimizer, noise_multiplier=self._noise, max_grad_norm=private.clip, expected_batch_size=size
        )
        self._step = 0

        def of_row(parameters: dict[str, Tensor], inputs: tuple[Tensor, ...], target: Tensor) -> Tensor:
            output = functional_call(module, parameters, tuple(tensor.unsqueeze(0) for tensor in inputs))
            return loss(output, target.unsqueeze(0))

        self._each = vmap(grad_and_value(of_row), in_dims=(None, 0, 0), randomness="different")

    def at(self, step: int) -> tuple[Sequence[Tensor], Tensor]:
        """The inputs and the target of a step: each row with the same probability, by itself; there may be none."""
        self._step = step
        drawn = np.frombuffer(self._stream("rows", 4 * len(self._rows.target)), np.uint32)
        place = self._rows.target.device
        chosen = torch.from_numpy(np.flatnonzero(drawn < self._threshold)).to(place)
        device = next(iter(self._parameters.values())).device
        inputs = [tensor.index_select(0, chosen).to(device) for tensor in self._rows.inputs]
        return inputs, self._rows.target.index_select(0, chosen).to(device)

    def take(self, inputs: Sequence[Tensor], target: Tensor, _total: int) -> Tensor:
        """One step on these rows; their mean loss before it."""
        loss = torch.zeros((), device=target.device)
        values = {name: parameter.detach() for name, parameter in self._parameters.items()}
        for start in range(0, max(len(target), 1), self._piece):
            cut = slice(start, start + self._piece)
            piece, wanted = tuple(tensor[cut] for tensor in inputs), target[cut]
            if len(wanted):
                gradients, losses = self._each(values, piece, wanted)
                loss += losses.detach().sum()
            else:
                gradients = {name: p.new_zeros((0, *p.shape)) for name, p in self._parameters.items()}
            for name, parameter in self._parameters.items():
                parameter.grad_sample = gradients[name].detach()  # type: ignore[attr-defined]
            self._optimizer.clip_and_accumulate()
        self._add_noise()
        self._optimizer.scale_grad()
        self._optimizer.original_optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return loss / max(len(target), 1)

    def state(self) -> dict[str, float]:
        """Nothing: all follows from the step's number."""
        return {}

    def restore(self, _state: dict[str, float]) -> None:
        """Go on from what ``state`` gave."""

    def spent(self, steps: int) -> dict[str, Any]:
        """What a training of so many steps promises."""
        found = Spent(
            epsilon=accounted(self._noise, self._rate, self._planned, self._private.delta),
            spent=accounted(self._noise, self._rate, steps, self._private.delta),
            delta=self._private.delta,
            clip=self._private.clip,
            noise=self._noise,
            rate=self._rate,
            steps=steps,
            planned=self._planned,
        )
        return dict(msgspec.to_builtins(found))

    def _add_noise(self) -> None:
        deviation = self._noise * self._private.clip
        count = sum(parameter.numel() for parameter in self._parameters.values())
        bits = np.frombuffer(self._stream("noise", 8 * count), np.uint64) >> np.uint64(11)
        # In the middle of 2 ** 53 equal pieces of (0, 1), so that neither end is drawn.
        uniform = torch.from_numpy((bits.astype(np.float64) + 0.5) * 2.0**-53)
        noise = (torch.special.ndtri(uniform) * deviation).float()
        start = 0
        for parameter in self._parameters.values():
            own = noise[start : start + parameter.numel()].view_as(parameter).to(parameter.device)
            parameter.grad = parameter.summed_grad + own  # type: ignore[attr-defined]
            start += parameter.numel()

    def _stream(self, what: str, length: int) -> bytes:
        return hashlib.shake_256(self._root + f"{what} {self._step}".encode()).digest(length)


def _root(private: Private, about: str, rows: Rows) -> bytes:
    """What all random draws follow from; raises StepError where the key is not set or too short."""
    key = os.environ.get(private.key, "")
    if len(key) < 16:
        what = "is not set" if not key else "is shorter than 16 characters"
        raise StepError(f"the key of the noise is read from ${private.key}, which {what}", SETTING)
    total = hmac.new(key.encode(), about.encode(), hashlib.sha256)
    for tensor in (*rows.inputs, rows.target):
        total.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return total.digest()
