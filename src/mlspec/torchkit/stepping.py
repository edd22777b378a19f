"""One step of training: gradients in the precision asked for, in parts where a batch does not fit, then AdamW."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from mlspec.diagnostics import StepError
from mlspec.torchkit import memory, together

Loss = Callable[[Tensor, Tensor], Tensor]
SCALE, GROWTH = 4096.0, 500  # of the loss in fp16: where it begins, and after how many steps it is doubled
SCALING: dict[str, type[float] | type[int]] = {"scale": float, "_growth_tracker": int}
HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Computing(msgspec.Struct, frozen=True, kw_only=True):
    """How a step is computed, as ``backend`` says: its precision, whether the network is compiled, and whether a batch
    that does not fit is taken in parts."""

    precision: str = "fp32"
    compile: bool = False
    accumulate: bool = False


def step(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Sequence[Tensor],
    target: Tensor,
    loss: Loss,
    parameters: Sequence[nn.Parameter] = (),
    clip_norm: float | None = None,
) -> Tensor:
    """One plain step of training on a batch; the loss that it began with. ``parameters``: whose gradient is clipped."""
    value = loss(module(*inputs), target)
    value.backward()  # type: ignore[no-untyped-call]
    _update(optimizer, parameters, clip_norm)
    return value.detach()


class Stepper:
    """Takes one step of a training after the other.

    ``parts`` is how many a batch is taken in: more than one after a whole one did not fit. ``share``: what this process
    is of several that train together.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        device: torch.device,
        computing: Computing,
        clip_norm: float | None,
    ) -> None:
        self.parts = 1
        self.share = together.share()
        self._module, self._optimizer, self._loss, self._device = module, optimizer, loss, device
        self._computing, self._clip_norm = computing, clip_norm
        self._parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self._half = HALVES.get(computing.precision)
        # Torch begins at 65536, for networks of many steps: until that has been halved often enough, steps are lost.
        self._scaler: torch.amp.GradScaler | None = None
        if computing.precision == "fp16":
            self._scaler = torch.amp.GradScaler(device.type, init_scale=SCALE, growth_interval=GROWTH)
        self._objective = self.objective
        if self.share is not None:
            together.spread(module, self.share)
        if computing.compile:
            # On a GPU small networks wait for the launch of each kernel: there steps are recorded as CUDA graphs.
            mode = "reduce-overhead" if device.type == "cuda" else None
            self._objective = torch.compile(self.objective, mode=mode)

    def take(self, inputs: Sequence[Tensor], target: Tensor, total: int) -> Tensor:
        """One step on this process's rows of a batch of ``total``; the batch's loss before it.

        Raises StepError where the batch does not fit into memory and is not to be taken in parts.
        """
        if self.share is not None:
            self.share.enter(total)
        value = self._gradients(inputs, target, len(target) / total)
        if self.share is not None:
            value = self.share.add_gradients(self._parameters, value)
        if self._scaler is None:
            _update(self._optimizer, self._parameters, self._clip_norm)
        else:
            self._scaler.unscale_(self._optimizer)
            _update(self._optimizer, self._parameters, self._clip_norm, self._scaler)
        return value

    def objective(self, inputs: Sequence[Tensor], target: Tensor) -> Tensor:
        """The mean loss of these rows, the network in the precision that is asked for and the loss in fp32."""
        if self._half is None:
            return self._loss(self._module(*inputs), target)
        with torch.autocast(self._device.type, self._half):
            output = self._module(*inputs)
        return self._loss(output.float(), target)

    def state(self) -> dict[str, float]:
        """What a checkpoint must know beyond tensors."""
        scaling = {} if self._scaler is None else self._scaler.state_dict()
        return {"parts": self.parts, **{key: scaling[key] for key in SCALING if key in scaling}}

    def restore(self, state: dict[str, float]) -> None:
        """Go on from what ``state`` gave."""
        self.parts = int(state.get("parts", 1))
        if self._scaler is not None:
            saved = {key: kind(state[key]) for key, kind in SCALING.items() if key in state}
            self._scaler.load_state_dict({**self._scaler.state_dict(), **saved})

    def _gradients(self, inputs: Sequence[Tensor], target: Tensor, weight: float) -> Tensor:
        while True:
            random = self._random() if self._computing.accumulate else None
            try:
                return self._backward(inputs, target, weight, self.parts)
            except (RuntimeError, MemoryError) as error:
                if not memory.is_exhausted(error):
                    raise
            # Behind the handler: its traceback would keep the tensors that take the memory.
            self._optimizer.zero_grad(set_to_none=True)
            memory.release(self._device)
            if random is None or self.parts >= len(target):
                raise self._too_big(inputs, target)
            self._set_random(random)
            self.parts *= 2

    def _backward(self, inputs: Sequence[Tensor], target: Tensor, weight: float, parts: int) -> Tensor:
        if parts == 1 and weight == 1:
            return self._add(inputs, target, None)
        rows = len(target)
        size = -(-rows // parts)
        total = torch.zeros((), device=self._device)
        for start in range(0, rows, size):
            piece = slice(start, min(start + size, rows))
            own = (piece.stop - start) / rows * weight
            total += self._add([tensor[piece] for tensor in inputs], target[piece], own)
        return total

    def _add(self, inputs: Sequence[Tensor], target: Tensor, weight: float | None) -> Tensor:
        """Add these rows' gradient to what is there; their loss."""
        # What a CUDA graph gives is overwritten by its next run: gradients that are added up can't be there.
        compiled = self._computing.compile and self.parts == 1
        if compiled and self._device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        value = (self._objective if compiled else self.objective)(inputs, target)
        if weight is not None:
            value = value * weight
        (value if self._scaler is None else self._scaler.scale(value)).backward()  # type: ignore[no-untyped-call]
        return value.detach().clone() if compiled else value.detach()

    def _too_big(self, inputs: Sequence[Tensor], target: Tensor) -> StepError:
        """What says that a batch does not fit, and which would."""

        def attempt(count: int) -> None:
            try:
                self._backward([tensor[:count] for tensor in inputs], target[:count], 1.0, 1)
            finally:
                self._optimizer.zero_grad(set_to_none=True)

        many = 1 if self.share is None else self.share.size
        rows = len(target) * many
        if self.share is not None:
            # The others wait for this process; it can't try alone what they do together.
            return StepError(f"out of memory with batches of {rows:,} rows on {self._device}", "batch_size")
        fits = memory.largest(len(target), attempt, self._device)
        way = "not even one row fits, the network is too big"
        if fits:
            way = f"batch_size: {fits} would fit, and backend.on_out_of_memory: accumulate takes a batch in parts"
        return StepError(f"out of memory with batches of {rows:,} rows on {self._device}: {way}", "batch_size")

    def _random(self) -> list[Tensor]:
        states = [torch.get_rng_state()]
        return [*states, torch.cuda.get_rng_state(self._device)] if self._device.type == "cuda" else states

    def _set_random(self, states: Sequence[Tensor]) -> None:
        torch.set_rng_state(states[0])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(states[1], self._device)


@contextlib.contextmanager
def precise(computing: Computing) -> Any:
    """Matrix products of fp32 numbers are rounded to tf32 within, where that is asked for, and nowhere else."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if computing.precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _update(
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[nn.Parameter],
    clip_norm: float | None,
    scaler: "torch.amp.GradScaler | None" = None,
) -> None:
    if clip_norm is not None:
        _clip(parameters, clip_norm)
    if scaler is None:
        optimizer.step()
    else:
        scaler.step(optimizer)
        scaler.update()
    optimizer.zero_grad(set_to_none=True)


def _clip(parameters: Sequence[nn.Parameter], most: float) -> None:
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    # On the CPU it costs nothing to look first, on a GPU looking would mean waiting for it.
    if norm.device.type != "cpu" or float(norm) > most:
        nn.utils.clip_grads_with_norm_(parameters, most, norm)
