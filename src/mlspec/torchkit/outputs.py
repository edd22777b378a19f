"""What outputs mean: logits of classes, or a scaled value; one set a row, or one for each member of an ensemble."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlspec.plugin import Training
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


def target(
    values: Array,
    classes: int,
    centre: float,
    spread: float,
    place: torch.device,
    weights: Array | None = None,
) -> Tensor:
    """The target as the loss reads it, on the device: (n,), or (n, 2) with each row's weight beside it."""
    if classes > 2 and weights is None:
        return torch.from_numpy(values.astype(np.int64)).to(place)
    scaled = values if classes else (values - centre) / spread
    if weights is not None:
        scaled = np.stack([scaled, weights], axis=1)
    return torch.from_numpy(scaled.astype(np.float32)).to(place)


def loss(classes: int) -> Loss:
    """The mean loss of (output, target), weighed where the target has weights: cross-entropy, or squared error; the
    mean of the members' own losses."""

    def of(output: Tensor, wanted: Tensor) -> Tensor:
        if output.dim() == 3:
            wanted = wanted.repeat_interleave(output.shape[1], dim=0)
            output = output.flatten(0, 1)
        return _mean_loss(output, wanted, classes)

    return of


def judge(classes: int) -> Loss:
    """The mean loss of what is answered in the end: that of the members' mean, where ``loss`` is the members' own."""

    def of(output: Tensor, wanted: Tensor) -> Tensor:
        if output.dim() == 2:
            return _mean_loss(output, wanted, classes)
        if not classes:
            return _mean_loss(output.mean(dim=1), wanted, classes)
        if classes == 2:
            output = torch.cat([torch.zeros_like(output), output], dim=2)
        # Cross-entropy of the logarithm of probabilities is that of the probabilities.
        return _mean_loss(output.log_softmax(dim=2).logsumexp(dim=1) - math.log(output.shape[1]), wanted, 3)

    return of


def answer(raw: Tensor, classes: int, centre: float, spread: float) -> Array:
    """Probabilities (n, classes) or values (n,), float64, from outputs (n, count) or (n, members, count)."""
    raw = raw.double()
    if classes > 2:
        return _mean(raw.softmax(dim=-1))
    if classes:
        positive = _mean(raw.sigmoid()).squeeze(1)
        return np.stack([1 - positive, positive], axis=1)
    return np.asarray(_mean(raw).squeeze(1) * spread + centre)


def _mean_loss(output: Tensor, wanted: Tensor, classes: int) -> Tensor:
    """The mean of the rows' losses; ``wanted`` (n,), or (n, 2) with weights."""
    if wanted.dim() == 2:
        wanted, weights = wanted.unbind(dim=1)
        return (_losses(output, wanted, classes, "none") * weights).mean()
    return _losses(output, wanted, classes, "mean")


def _losses(output: Tensor, wanted: Tensor, classes: int, reduction: str) -> Tensor:
    if classes > 2:
        return functional.cross_entropy(output, wanted.long(), reduction=reduction)
    if classes:
        return functional.binary_cross_entropy_with_logits(output.squeeze(1), wanted, reduction=reduction)
    return functional.mse_loss(output.squeeze(1), wanted, reduction=reduction)


def _mean(found: Tensor) -> Array:
    """(n, count) from that or from (n, members, count)."""
    return np.asarray((found.mean(dim=1) if found.dim() == 3 else found).cpu().numpy())
