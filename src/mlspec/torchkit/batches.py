"""The rows of each step, in an order that follows from the seed and the epoch alone.

Rows that lie on the device are picked there. Rows that had no room lie in main memory: they are picked into pinned
memory and copied while the device computes, a piece ahead of the one in use.
"""

import hashlib
import math
from collections.abc import Sequence

import msgspec
import torch
from torch import Tensor

GATHERED = 1 << 19  # numbers that are picked for several steps at once
STREAMED = 1 << 23  # the same, where they are copied to a GPU


class Rows(msgspec.Struct, frozen=True):
    """Rows, on the device or in main memory: what the module is called with, and the target; all (n, ...)."""

    inputs: tuple[Tensor, ...]
    target: Tensor

    def to(self, device: torch.device) -> "Rows":
        """These rows on a device."""
        return Rows(tuple(tensor.to(device) for tensor in self.inputs), self.target.to(device))

    def cut(self, part: slice) -> "Rows":
        """Some of these rows."""
        return Rows(tuple(tensor[part] for tensor in self.inputs), self.target[part])


class Batches:
    """Batches of ``size`` rows, of which those in ``part`` are handed out, on ``device``."""

    def __init__(self, rows: Rows, size: int, seed: int, device: torch.device, part: slice | None = None) -> None:
        self._tensors = (*rows.inputs, rows.target)
        self._size, self._seed, self._device = size, seed, device
        self._part = part or slice(0, size)
        self._moves = rows.target.device != device
        aside = self._moves and device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if aside else None  # type: ignore[no-untyped-call]
        width = sum(math.prod(tensor.shape[1:]) for tensor in self._tensors)
        # Picking rows for several steps at once spares calls; a bounded piece spares memory.
        self._together = max(1, (STREAMED if self._moves else GATHERED) // (size * max(width, 1)))
        self._epoch = self._first = -1
        self._ahead: tuple[int, list[Tensor]] | None = None

    def at(self, epoch: int, index: int) -> tuple[Sequence[Tensor], Tensor]:
        """The inputs and the target of a step of an epoch."""
        if epoch != self._epoch:
            self._epoch, self._first, self._ahead = epoch, -1, None
            count = len(self._tensors[-1])
            self._order = order(self._seed, epoch, count).to(self._tensors[-1].device)
        first = index - index % self._together
        if first != self._first:
            self._first = first
            own = self._part.stop - self._part.start
            self._pieces = [torch.split(tensor, own) for tensor in self._picked(first)]
        *inputs, target = (pieces[index - first] for pieces in self._pieces)
        return inputs, target

    def _picked(self, first: int) -> list[Tensor]:
        if not self._moves:
            chosen = self._chosen(first)
            return [tensor.index_select(0, chosen) for tensor in self._tensors]
        ahead = self._ahead
        picked = ahead[1] if ahead is not None and ahead[0] == first else self._copied(first)
        if self._stream is not None:
            current = torch.cuda.current_stream(self._device)
            current.wait_stream(self._stream)
            for tensor in picked:
                tensor.record_stream(current)
        after = first + self._together
        more = after < len(self._order) // self._size
        self._ahead = (after, self._copied(after)) if more else None
        return picked

    def _copied(self, first: int) -> list[Tensor]:
        chosen = self._chosen(first)
        pinned = self._stream is not None
        found = []
        for tensor in self._tensors:
            room = torch.empty((len(chosen), *tensor.shape[1:]), dtype=tensor.dtype, pin_memory=pinned)
            found.append(torch.index_select(tensor, 0, chosen, out=room))
        if self._stream is None:
            return [tensor.to(self._device) for tensor in found]
        with torch.cuda.stream(self._stream):
            return [tensor.to(self._device, non_blocking=True) for tensor in found]

    def _chosen(self, first: int) -> Tensor:
        chosen = self._order[first * self._size : (first + self._together) * self._size]
        if self._part == slice(0, self._size):
            return chosen
        whole = chosen[: len(chosen) // self._size * self._size].view(-1, self._size)
        return whole[:, self._part].reshape(-1)


def order(seed: int, epoch: int, count: int) -> Tensor:
    """The rows' order in an epoch."""
    number = int.from_bytes(hashlib.sha256(f"order {seed} {epoch}".encode()).digest()[:7], "big")
    return torch.randperm(count, generator=torch.Generator().manual_seed(number))
