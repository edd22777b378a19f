"""What a network's outputs mean: logits of classes, or a scaled value."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlspec.plugins.model import Training
from mlspec.torchkit.loop import Loss

Array = np.ndarray[Any, Any]


def count(classes: int) -> int:
    """How many outputs: one for a value or for two classes, else one a class."""
    return classes if classes > 2 else 1


def scaling(training: Training) -> tuple[float, float]:
    """Mean and standard deviation of a target of values; 0 and 1 for classes."""
    if training.classes:
        return 0.0, 1.0
    return float(training.target.mean()), float(training.target.std()) or 1.0


def target(values: Array, classes: int, centre: float, spread: float, place: torch.device) -> Tensor:
    """The target as the loss reads it, on the device."""
    if classes > 2:
        return torch.from_numpy(values.astype(np.int64)).to(place)
    scaled = values if classes else (values - centre) / spread
    return torch.from_numpy(scaled.astype(np.float32)).to(place)


def loss(classes: int, smoothing: float = 0.0) -> Loss:
    """The mean loss of (output, target): cross-entropy, or squared error. ``smoothing``: the share of a label that is
    spread over all classes."""
    if classes > 2:
        return lambda output, wanted: functional.cross_entropy(output, wanted, label_smoothing=smoothing)
    if classes:
        return lambda output, wanted: functional.binary_cross_entropy_with_logits(
            output.squeeze(1), _smooth(wanted, smoothing)
        )
    return lambda output, wanted: functional.mse_loss(output.squeeze(1), wanted)


def of_members(classes: int, smoothing: float = 0.0) -> Loss:
    """The same, where the output is (rows, members, count) too: each member learns by itself, the mean is over all; and
    where the target has weights beside it (rows, 2)."""
    single = loss(classes, smoothing)

    def mean(output: Tensor, wanted: Tensor) -> Tensor:
        if output.dim() == 3:
            wanted, output = wanted.repeat_interleave(output.shape[1], dim=0), output.flatten(0, 1)
        if wanted.dim() == 2:
            return (_each(classes, output, wanted[:, 0], smoothing) * wanted[:, 1]).mean()
        return single(output, wanted)

    return mean


def of_their_mean(classes: int) -> Loss:
    """The loss of what is answered in the end: that of the members' mean, where ``of_members`` is the members' own."""
    each = of_members(classes)

    def mean(output: Tensor, wanted: Tensor) -> Tensor:
        if output.dim() == 2:
            return each(output, wanted)
        if not classes:
            return each(output.mean(dim=1), wanted)
        if classes == 2:
            output = torch.cat([torch.zeros_like(output), output], dim=2)
            wanted = wanted if wanted.dim() == 2 else wanted.long()
        # Cross-entropy of the logarithm of probabilities is that of the probabilities.
        return several(output.log_softmax(dim=2).logsumexp(dim=1) - math.log(output.shape[1]), wanted)

    several = of_members(max(classes, 3))
    return mean


def weighted(target: Tensor, weights: Array | None) -> Tensor:
    """Targets with the rows' weights beside them (n, 2), for ``of_members``; as they are without weights."""
    if weights is None:
        return target
    return torch.stack([target.float(), torch.from_numpy(weights.astype(np.float32)).to(target.device)], dim=1)


def _smooth(wanted: Tensor, smoothing: float) -> Tensor:
    return wanted * (1 - smoothing) + smoothing / 2 if smoothing else wanted


def _each(classes: int, output: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
    """The loss of each row."""
    if classes > 2:
        return functional.cross_entropy(output, wanted.long(), reduction="none", label_smoothing=smoothing)
    if classes:
        wanted = _smooth(wanted, smoothing)
        return functional.binary_cross_entropy_with_logits(output.squeeze(1), wanted, reduction="none")
    return functional.mse_loss(output.squeeze(1), wanted, reduction="none")


def answer(raw: Tensor, classes: int, centre: float, spread: float) -> Array:
    """Probabilities (n, classes) or values (n,), float64, from outputs (n, count)."""
    raw = raw.double()
    if classes > 2:
        return np.asarray(raw.softmax(dim=1).cpu().numpy())
    if classes:
        positive = raw.squeeze(1).sigmoid().cpu().numpy()
        return np.stack([1 - positive, positive], axis=1)
    return np.asarray(raw.squeeze(1).cpu().numpy() * spread + centre)
