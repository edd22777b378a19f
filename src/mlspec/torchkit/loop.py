"""The training loop: minibatches of tensors that lie on the device, AdamW, a schedule, early stopping, checkpoints.

What happens at a step follows from the seed and the step's number alone (and from torch's generator, which the
checkpoint holds), so a training that was killed goes on where its last checkpoint was and ends with the same weights.
"""

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from mlspec.diagnostics import StepError
from mlspec.torchkit import checkpoint

Loss = Callable[[Tensor, Tensor], Tensor]
Progress = Callable[[str, float, dict[str, float]], None]

GATHERED = 1 << 19  # numbers that are picked for several steps at once
EVALUATED = 8192  # rows of one piece when the validation loss is computed


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to train.

    ``batch_size`` None: a power of two, about 64 steps an epoch, from 16 to 512; ``patience`` None: never stop early;
    ``clip_norm`` None: never clip.
    """

    epochs: int
    batch_size: int | None
    learning_rate: float
    schedule: str = "cosine"
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    patience: int | None = None
    warm_up: float = 0.05
    checkpoint_seconds: float = 3.0


class Rows(msgspec.Struct, frozen=True):
    """Rows on the device: the tensors that the module is called with, and the target; all (n, ...)."""

    inputs: tuple[Tensor, ...]
    target: Tensor


class Trainable(msgspec.Struct, frozen=True):
    """A network with all that it is trained with; ``validation`` None where there are no such rows, ``judge`` the loss
    on them where it is another one."""

    module: nn.Module
    rows: Rows
    validation: Rows | None
    loss: Loss
    settings: Settings
    judge: Loss | None = None


class _Progress(msgspec.Struct):
    """Where a training stands, beyond its tensors."""

    settings: str
    step: int = 0
    train_loss: list[float] = []
    validation_loss: list[float] = []
    best_epoch: int = -1


def train(
    module: nn.Module,
    rows: Rows,
    validation: Rows | None,
    loss: Loss,
    settings: Settings,
    *,
    seed: int,
    folder: Path,
    progress: Progress,
    until: int | None = None,
    judge: Loss | None = None,
) -> dict[str, Any]:
    """Train ``module`` in place and leave it with the weights of its best epoch (its last without validation rows).

    ``loss`` maps (output, target) to a mean. Checkpoints lie in ``folder``. To be called within ``device.seeded``.
    ``until``: pause after that many epochs, with a checkpoint to go on from. ``judge``: the loss on the validation
    rows, where it is another one. Returns the losses by epoch, the best epoch (from 1), the number of epochs, and
    whether the training is paused.
    """
    count = len(rows.target)
    size = min(settings.batch_size or min(512, max(16, 1 << (count // 64).bit_length())), count)
    steps = count // size
    total = steps * settings.epochs
    pause = total if until is None else min(total, steps * until)
    optimizer = torch.optim.AdamW(
        module.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=rows.target.device.type in ("cpu", "cuda"),
    )
    state = _Progress(settings=_digest(settings, seed, rows, module))
    running = torch.zeros((), device=rows.target.device)
    best: dict[str, Tensor] = {}
    restored = checkpoint.read(folder, state.settings)
    if restored is not None:
        state = msgspec.json.decode(restored.about, type=_Progress)
        best, running = checkpoint.restore(restored.tensors, module, optimizer, running)
    parameters = list(module.parameters())
    saved = time.monotonic()
    batches = _Batches(rows, size, seed)
    module.train()
    while state.step < pause and not _is_enough(state, settings):
        epoch, index = divmod(state.step, steps)
        optimizer.param_groups[0]["lr"] = settings.learning_rate * _rate(state.step, total, settings)
        inputs, target = batches.at(epoch, index)
        running += step(module, optimizer, inputs, target, loss, parameters, settings.clip_norm)
        state.step += 1
        if index + 1 == steps:
            state.train_loss.append(float(running) / steps)
            running.zero_()
            if not math.isfinite(state.train_loss[-1]):
                raise StepError(
                    f"the training loss is {state.train_loss[-1]:g} in epoch {epoch + 1}: lower learning_rate (now "
                    f"{settings.learning_rate:g}), or set clip_norm"
                )
            if validation is not None:
                state.validation_loss.append(mean_loss(module, validation, judge or loss))
                if _is_best(state.validation_loss):
                    state.best_epoch = epoch
                    best = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
                module.train()
            _report(progress, state, settings)
        if time.monotonic() - saved >= settings.checkpoint_seconds:
            checkpoint.write(folder, msgspec.json.encode(state), checkpoint.tensors(module, optimizer, best, running))
            saved = time.monotonic()
    paused = state.step < total and not _is_enough(state, settings)
    if paused:
        checkpoint.write(folder, msgspec.json.encode(state), checkpoint.tensors(module, optimizer, best, running))
    if best:
        module.load_state_dict(best)
    module.eval()
    epochs = len(state.train_loss)
    return {
        "epochs": epochs,
        "best_epoch": state.best_epoch + 1 if best else epochs,
        "train_loss": state.train_loss,
        "validation_loss": state.validation_loss,
        **({"paused": True} if paused else {}),
    }


def step(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Sequence[Tensor],
    target: Tensor,
    loss: Loss,
    parameters: Sequence[nn.Parameter] = (),
    clip_norm: float | None = None,
) -> Tensor:
    """One step of training on a batch; the loss that it began with. ``parameters``: whose gradient is clipped."""
    value = loss(module(*inputs), target)
    value.backward()  # type: ignore[no-untyped-call]
    if clip_norm is not None:
        _clip(parameters, clip_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return value.detach()


def mean_loss(module: nn.Module, rows: Rows, loss: Loss) -> float:
    """The mean loss over all rows, with dropout off."""
    module.eval()
    total = torch.zeros((), device=rows.target.device, dtype=torch.float64)
    with torch.inference_mode():
        size = at_once(module)
        for start in range(0, len(rows.target), size):
            target = rows.target[start : start + size]
            inputs = [tensor[start : start + size] for tensor in rows.inputs]
            total += loss(module(*inputs), target).double() * len(target)
    return float(total) / len(rows.target)


def at_once(module: nn.Module) -> int:
    """How many rows to evaluate at once: fewer where the network has several vectors for each."""
    return max(1, EVALUATED // int(getattr(module, "breadth", 1)))


class _Batches:
    """The rows of each step: each epoch an order of its own, which follows from the seed and the epoch."""

    def __init__(self, rows: Rows, size: int, seed: int) -> None:
        self._rows = rows
        self._size = size
        self._seed = seed
        self._epoch = -1
        width = sum(math.prod(tensor.shape[1:]) for tensor in (*rows.inputs, rows.target))
        # Picking rows for several steps at once spares calls; a bounded piece spares memory.
        self._together = max(1, GATHERED // (size * max(width, 1)))
        self._first = -1

    def at(self, epoch: int, index: int) -> tuple[Sequence[Tensor], Tensor]:
        if epoch != self._epoch:
            self._epoch, self._first = epoch, -1
            self._order = _order(self._seed, epoch, len(self._rows.target)).to(self._rows.target.device)
        first = index - index % self._together
        if first != self._first:
            self._first = first
            chosen = self._order[first * self._size : (first + self._together) * self._size]
            picked = [tensor.index_select(0, chosen) for tensor in (*self._rows.inputs, self._rows.target)]
            self._pieces = [torch.split(tensor, self._size) for tensor in picked]
        *inputs, target = (pieces[index - first] for pieces in self._pieces)
        return inputs, target


def _clip(parameters: Sequence[nn.Parameter], most: float) -> None:
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    # On the CPU it costs nothing to look first, on a GPU looking would mean waiting for it.
    if norm.device.type != "cpu" or float(norm) > most:
        nn.utils.clip_grads_with_norm_(parameters, most, norm)


def _order(seed: int, epoch: int, count: int) -> Tensor:
    number = int.from_bytes(hashlib.sha256(f"order {seed} {epoch}".encode()).digest()[:7], "big")
    return torch.randperm(count, generator=torch.Generator().manual_seed(number))


def _rate(step: int, total: int, settings: Settings) -> float:
    """The share of the highest learning rate at a step."""
    warm = max(1, round(settings.warm_up * total))
    if settings.schedule == "constant":
        return 1.0
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _is_best(losses: Sequence[float]) -> bool:
    return math.isfinite(losses[-1]) and all(not losses[-1] >= earlier for earlier in losses[:-1])


def _is_enough(state: _Progress, settings: Settings) -> bool:
    since = len(state.validation_loss) - 1 - state.best_epoch
    return settings.patience is not None and bool(state.validation_loss) and since >= settings.patience


def _report(progress: Progress, state: _Progress, settings: Settings) -> None:
    epoch = len(state.train_loss)
    figures = {"train_loss": state.train_loss[-1]}
    if state.validation_loss:
        figures["validation_loss"] = state.validation_loss[-1]
    progress(f"epoch {epoch} of {settings.epochs}", epoch / settings.epochs, figures)


def _digest(settings: Settings, seed: int, rows: Rows, module: nn.Module) -> str:
    """What a checkpoint must have been made with to be gone on from."""
    shapes = [list(tensor.shape) for tensor in (*rows.inputs, rows.target, *module.parameters())]
    about = [msgspec.to_builtins(settings), seed, shapes, str(torch.__version__), rows.target.device.type]
    return hashlib.sha256(msgspec.json.encode(about)).hexdigest()
