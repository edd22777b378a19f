"""Where tensors lie and how torch behaves while we use it; what was set before is set again afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mlspec.diagnostics import StepError
from mlspec.plugins.model import Training
from mlspec.torchkit.stepping import Computing


def find(name: str) -> torch.device:
    """The device of that name. Raises StepError when this machine has none."""
    try:
        device = torch.device(name)
    except RuntimeError:
        raise StepError(f"'{name}' is no device that torch knows") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise StepError("device 'cuda' is asked for, but torch sees no CUDA device on this machine")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise StepError("device 'mps' is asked for, but torch sees no Apple GPU on this machine")
    if device.type in ("cuda", "mps") and ":" not in name:
        # As tensors on it report it.
        return torch.device(f"{device.type}:{torch.cuda.current_device() if device.type == 'cuda' else 0}")
    return device


def computing(training: Training) -> Computing:
    """How the backend wants networks to be computed."""
    return Computing(precision=training.precision, compile=training.compile, accumulate=training.accumulate)


@contextmanager
def seeded(seed: int, device: torch.device, threads: int) -> Iterator[None]:
    """Torch's generators start from ``seed``, and it computes on ``threads`` threads."""
    before = torch.get_num_threads()
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
