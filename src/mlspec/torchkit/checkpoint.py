"""Checkpoints of a training: one safetensors file that appears whole or not at all."""

from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from mlspec.machine import whole_files

NAME = "checkpoint.safetensors"
ABOUT = "mlspec"


class Restored(msgspec.Struct, frozen=True):
    """A checkpoint read back: ``about`` is the JSON that was written, ``tensors`` are on the CPU."""

    about: bytes
    tensors: dict[str, Tensor]


def tensors(
    module: nn.Module, optimizer: torch.optim.Optimizer, best: dict[str, Tensor], running: Tensor
) -> dict[str, Tensor]:
    """All that a training must know to go on: weights, optimizer state, best weights, the loss so far, generators."""
    found = {f"module/{name}": tensor for name, tensor in module.state_dict().items()}
    found |= {f"best/{name}": tensor for name, tensor in best.items()}
    for index, slots in optimizer.state_dict()["state"].items():
        found |= {f"optimizer/{index}/{slot}": value for slot, value in slots.items()}
    found["running"] = running
    found["generator/cpu"] = torch.get_rng_state()
    if running.device.type == "cuda":
        found["generator/cuda"] = torch.cuda.get_rng_state(running.device)
    return found


def restore(
    found: dict[str, Tensor], module: nn.Module, optimizer: torch.optim.Optimizer, running: Tensor
) -> tuple[dict[str, Tensor], Tensor]:
    """Put a checkpoint's tensors back where they were; the best weights and the loss so far."""

    def under(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): tensor for name, tensor in found.items() if name.startswith(prefix)}

    module.load_state_dict(under("module/"))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in under("optimizer/").items():
        index, slot = name.split("/", 1)
        state.setdefault(int(index), {})[slot] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    torch.set_rng_state(found["generator/cpu"])
    if running.device.type == "cuda":
        torch.cuda.set_rng_state(found["generator/cuda"], running.device)
    best = {name: tensor.to(running.device) for name, tensor in under("best/").items()}
    return best, found["running"].to(running.device)


def write(folder: Path, about: bytes, found: dict[str, Tensor]) -> None:
    """Write a checkpoint: aside, to the disk, then in place of the one before."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in found.items()}
    whole_files.replace(folder / NAME, save(plain, metadata={ABOUT: about.decode()}))


def read(folder: Path, settings: str) -> Restored | None:
    """The last checkpoint, None where there is none, it is damaged, or was made with other ``settings``."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(folder / NAME, framework="pt", device="cpu") as file:
            about = (file.metadata() or {}).get(ABOUT, "{}")
            if msgspec.json.decode(about).get("settings") != settings:
                return None
            return Restored(about.encode(), {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (OSError, SafetensorError, msgspec.DecodeError):
        return None
