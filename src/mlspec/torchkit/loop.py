"""The training loop: minibatches, AdamW, a schedule, early stopping, checkpoints.

What happens at a step follows from the seed and the step's number alone (and from torch's generator, which the
checkpoint holds), so a training that was killed goes on where its last checkpoint was and ends with the same weights.
"""

import contextlib
import functools
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
from mlspec.torchkit import checkpoint, memory, together
from mlspec.torchkit.batches import Batches
from mlspec.torchkit.batches import Rows as Rows  # (the name that users of the loop know it by)
from mlspec.torchkit.clock import Clock
from mlspec.torchkit.exchange import Exchange
from mlspec.torchkit.private import PrivateStepper
from mlspec.torchkit.settings import Private, batch
from mlspec.torchkit.stepping import HALVES, Computing, Stepper, precise
from mlspec.torchkit.stepping import Loss as Loss

Progress = Callable[[str, float, dict[str, float]], None]

PLAIN = Computing()
EVALUATED = 8192  # rows of one piece when the validation loss is computed


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to train.

    ``batch_size`` None: a power of two, about 64 steps an epoch, from 16 to 512; ``patience`` None: never stop early;
    ``clip_norm`` None: never clip; ``seconds``: training and its schedule end after so long, None for no limit;
    ``private``: by DP-SGD, whose batches have ``batch_size`` rows on average.
    """

    epochs: int
    batch_size: int | None
    learning_rate: float
    schedule: str = "cosine"
    weight_decay: float = 0.01
    clip_norm: float | None = 1.0
    patience: int | None = None
    seconds: float | None = None
    warm_up: float = 0.05
    checkpoint_seconds: float = 3.0
    computing: Computing = PLAIN
    private: Private | None = None


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
    """The state of a training, beyond its tensors."""

    settings: str
    step: int = 0
    train_loss: list[float] = []
    validation_loss: list[float] = []
    best_epoch: int = -1
    seconds: float = 0.0
    is_out_of_time: bool = False
    stepper: dict[str, float] = {}


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
    seconds: float | None = None,
) -> dict[str, Any]:
    """Train ``module`` in place and leave it with the weights of its best epoch (its last without validation rows).

    ``loss`` maps (output, target) to a mean. Checkpoints are in ``folder``. To be called within ``device.seeded``.
    ``until``: pause after that many epochs, with a checkpoint to go on from. ``judge``: the loss on the validation
    rows, where it is another one. ``seconds``: a limit like that of ``settings``, whichever is lower; a checkpoint made
    with another one is gone on from. Returns the losses by epoch, the best epoch (from 1), the number of epochs (the
    last is part of an epoch where the time was over), whether the training is paused or was stopped, and in how many
    parts a batch was taken where a whole one did not fit.

    Within a group of processes (``together``) each trains on its share of every batch; the first of them reports, and
    writes the checkpoints that all of them go on from. Raises StepError when memory runs out, and when the loss does.
    """
    with precise(settings.computing):
        return _train(module, rows, validation, loss, settings, seed, folder, progress, until, judge or loss, seconds)


def _train(
    module: nn.Module,
    rows: Rows,
    validation: Rows | None,
    loss: Loss,
    settings: Settings,
    seed: int,
    folder: Path,
    progress: Progress,
    until: int | None,
    judge: Loss,
    seconds: float | None,
) -> dict[str, Any]:
    device = next(module.parameters()).device
    count = rows.count
    size = batch(settings.batch_size, count)
    steps = count // size
    total = steps * settings.epochs
    pause = total if until is None else min(total, steps * until)
    optimizer = torch.optim.AdamW(
        module.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=device.type in ("cpu", "cuda"),
    )
    stepper: Stepper | PrivateStepper
    if settings.private is None:
        stepper = Stepper(module, optimizer, loss, device, settings.computing, settings.clip_norm)
        share = stepper.share
        exchange = None if share is None or not rows.shares else Exchange(share, rows.shares, size)
        batches = Batches(rows, size, seed, device, None if share is None else share.cut(size), exchange).at
    else:
        about = _digest(settings, seed, rows, module, None)
        stepper = PrivateStepper(module, optimizer, loss, rows, settings.private, about, size=size, steps=total)
        share, batches = None, lambda epoch, index: stepper.at(epoch * steps + index)
    state = _Progress(settings=_digest(settings, seed, rows, module, share))
    running = torch.zeros((), device=device)
    best: dict[str, Tensor] = {}
    last = functools.partial(checkpoint.read, folder, state.settings)
    restored = last() if share is None else share.of_first(last)
    if restored is not None:
        state = msgspec.json.decode(restored.about, type=_Progress)
        best, running = checkpoint.restore(restored.tensors, module, optimizer, running)
        stepper.restore(state.stepper)
    keeps = share is None or share.rank == 0

    limit = min((one for one in (settings.seconds, seconds) if one is not None), default=None)
    held = 0.0 if validation is None else validation.count / count
    clock = Clock(limit, state.seconds, held, steps, share, device)

    def keep() -> None:
        state.stepper = stepper.state()
        state.seconds = clock.taken()
        checkpoint.write(folder, msgspec.json.encode(state), checkpoint.tensors(module, optimizer, best, running))

    saved = time.monotonic()
    module.train()
    while state.step < pause and not _is_enough(state, settings):
        epoch, index = divmod(state.step, steps)
        place = max(state.step, clock.passed * total)
        optimizer.param_groups[0]["lr"] = settings.learning_rate * _rate(place, total, settings)
        inputs, target = batches(epoch, index)
        running += stepper.take(inputs, target, size)
        state.step += 1
        state.is_out_of_time = clock.is_over(state.step, total)
        if index + 1 == steps or state.is_out_of_time:
            state.train_loss.append(float(running) / (index + 1))
            running.zero_()
            if not math.isfinite(state.train_loss[-1]):
                raise StepError(
                    f"the training loss is {state.train_loss[-1]:g} in epoch {epoch + 1}: lower learning_rate (now "
                    f"{settings.learning_rate:g}), or set clip_norm"
                )
            if validation is not None:
                began = time.monotonic()
                state.validation_loss.append(mean_loss(module, validation, judge, settings.computing, share))
                clock.looked(time.monotonic() - began)
                if _is_best(state.validation_loss):
                    state.best_epoch = epoch
                    best = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
                module.train()
            if keeps:
                _report(progress, state, settings, clock.passed)
        if keeps and time.monotonic() - saved >= settings.checkpoint_seconds:
            keep()
            saved = time.monotonic()
    paused = state.step < total and not _is_enough(state, settings)
    if paused and keeps:
        keep()
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
        **({"stopped": "time"} if state.is_out_of_time else {}),
        **({"parts": stepper.parts} if stepper.parts > 1 else {}),
        **({"private": stepper.spent(state.step)} if isinstance(stepper, PrivateStepper) else {}),
    }


def mean_loss(
    module: nn.Module,
    rows: Rows,
    loss: Loss,
    computing: Computing = PLAIN,
    share: "together.Share | None" = None,
) -> float:
    """The mean loss over all rows, with dropout off; each process of a group looks at its share of them."""
    module.eval()
    device = next(module.parameters()).device
    size, count = at_once(module), rows.count
    if share is not None and not rows.shares:
        share, rows = (share, rows.cut(share.cut(count))) if count >= share.size else (None, rows)
    while True:
        try:
            total = _summed_loss(module, rows, loss, computing, device, size)
            break
        except (RuntimeError, MemoryError) as error:
            if not memory.is_exhausted(error) or size == 1:
                raise
        memory.release(device)
        size //= 2
    return float(total if share is None else share.add(total)) / count


def _summed_loss(
    module: nn.Module, rows: Rows, loss: Loss, computing: Computing, device: torch.device, size: int
) -> Tensor:
    half = HALVES.get(computing.precision)
    # Apple's GPUs know no float64.
    wide = torch.float32 if device.type == "mps" else torch.float64
    total = torch.zeros((), device=device, dtype=wide)
    with torch.inference_mode():
        for start in range(0, len(rows.target), size):
            piece = rows.cut(slice(start, start + size)).to(device)
            with torch.autocast(device.type, half) if half is not None else contextlib.nullcontext():
                output = module(*piece.inputs)
            total += loss(output if half is None else output.float(), piece.target).to(wide) * len(piece.target)
            if rows.forget is not None:
                rows.forget()
    return total


def at_once(module: nn.Module) -> int:
    """How many rows to evaluate at once: fewer where the network has several vectors for each."""
    return max(1, EVALUATED // int(getattr(module, "breadth", 1)))


def _rate(step: float, total: int, settings: Settings) -> float:
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
    if state.is_out_of_time:
        return True
    since = len(state.validation_loss) - 1 - state.best_epoch
    return settings.patience is not None and bool(state.validation_loss) and since >= settings.patience


def _report(progress: Progress, state: _Progress, settings: Settings, passed: float) -> None:
    epoch = len(state.train_loss)
    figures = {"train_loss": state.train_loss[-1]}
    if state.validation_loss:
        figures["validation_loss"] = state.validation_loss[-1]
    progress(f"epoch {epoch} of {settings.epochs}", max(epoch / settings.epochs, passed), figures)


def _digest(settings: Settings, seed: int, rows: Rows, module: nn.Module, share: "together.Share | None") -> str:
    """What a checkpoint must have been made with to be gone on from."""
    shapes = [[rows.count, *tensor.shape[1:]] for tensor in (*rows.inputs, rows.target)]
    shapes += [list(parameter.shape) for parameter in module.parameters()]
    processes = 1 if share is None else share.size
    device = next(module.parameters()).device.type
    about = [msgspec.to_builtins(settings), seed, shapes, str(torch.__version__), device, processes]
    return hashlib.sha256(msgspec.json.encode(about)).hexdigest()
