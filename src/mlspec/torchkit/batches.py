"""The rows of each step, in an order that follows from the seed and the epoch alone (``ordering``).

Rows that are on the device are picked there. Rows that had no room are in main memory: they are picked into pinned
memory and copied while the device computes, a piece ahead of the one in use. Rows that are in a file are read a window
at a time, in long runs, into memory that is used again for the next one. Of several processes that have a share of the
rows each, each gives the others what they need of it for some steps at once: the batches are those of one process.
"""

import math
from collections.abc import Callable, Sequence

import msgspec
import torch
from torch import Tensor

from mlspec.torchkit.exchange import Exchange
from mlspec.torchkit.ordering import Order

GATHERED = 1 << 19  # numbers that are picked for several steps at once
STREAMED = 1 << 23  # the same, where they are copied to a GPU


class Rows(msgspec.Struct, frozen=True):
    """Rows, on the device or in main memory: what the module is called with, and the target; all (n, ...).

    ``forget``, where they are in a file that is mapped into memory: gives back the pages that were read. ``shares``,
    where these are one process's share of the rows: at which rows the shares begin, and how many there are."""

    inputs: tuple[Tensor, ...]
    target: Tensor
    forget: Callable[[], None] | None = None
    shares: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """How many rows all processes have."""
        return self.shares[-1] if self.shares else len(self.target)

    def to(self, device: torch.device) -> "Rows":
        """These rows on a device."""
        return Rows(tuple(tensor.to(device) for tensor in self.inputs), self.target.to(device))

    def cut(self, part: slice) -> "Rows":
        """Some of these rows."""
        return Rows(tuple(tensor[part] for tensor in self.inputs), self.target[part], self.forget)


class Batches:
    """Batches of ``size`` rows, of which those in ``part`` are returned, on ``device``; through an ``exchange`` where
    each of several processes has a share of the rows."""

    def __init__(
        self,
        rows: Rows,
        size: int,
        seed: int,
        device: torch.device,
        part: slice | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        self._all = (*rows.inputs, rows.target)
        self._forget = rows.forget
        self._size, self._device = size, device
        self._part = part or slice(0, size)
        self._exchange = exchange
        self._moves = rows.target.device != device
        aside = self._moves and device.type == "cuda"
        self._stream = torch.cuda.Stream(device) if aside else None  # type: ignore[no-untyped-call]
        width = sum(math.prod(tensor.shape[1:]) for tensor in self._all)
        # Picking rows for several steps at once spares calls; a bounded piece spares memory. All processes of an
        # exchange have to take the same steps at once, wherever their rows lie.
        numbers = STREAMED if self._moves and exchange is None else GATHERED
        self._together = max(1, numbers // (size * max(width, 1)))
        wide = sum(math.prod(tensor.shape[1:]) for tensor in rows.inputs)
        self._sequence = Order(seed, rows.count, wide, size)
        self._room: list[Tensor] = []
        self._window = (-1, -1)
        self._first = -1
        self._ahead: tuple[int, list[Tensor]] | None = None

    def at(self, epoch: int, index: int) -> tuple[Sequence[Tensor], Tensor]:
        """The inputs and the target of a step of an epoch."""
        number, index = divmod(index, self._sequence.steps)
        if (epoch, number) != self._window:
            self._window, self._first, self._ahead = (epoch, number), -1, None
            self._enter(*self._sequence.window(epoch, number))
        first = index - index % self._together
        if first != self._first:
            self._first = first
            own = self._part.stop - self._part.start
            picked = self._picked(first) if self._exchange is None else self._exchanged(self._exchange, first)
            self._pieces = [torch.split(tensor, own) for tensor in picked]
        *inputs, target = (pieces[index - first] for pieces in self._pieces)
        return inputs, target

    def _enter(self, runs: Sequence[slice], order: Tensor) -> None:
        """Make the rows of a window those that are picked from."""
        if self._sequence.is_large and (self._forget is None or self._exchange is not None):
            order = torch.cat([torch.arange(run.start, run.stop) for run in runs])[order]
        if self._exchange is not None:
            runs = self._exchange.of_own(runs)
        if self._forget is not None:
            self._tensors = self._read(runs)
            self._forget()
        else:
            self._tensors = self._all
        self._order = order if self._exchange is not None else order.to(self._tensors[-1].device)

    def _read(self, runs: Sequence[slice]) -> tuple[Tensor, ...]:
        rows = sum(run.stop - run.start for run in runs)
        if not self._room or len(self._room[0]) < rows:
            self._room = [tensor.new_empty((rows, *tensor.shape[1:])) for tensor in self._all]
        at = 0
        for run in runs:
            after = at + run.stop - run.start
            for tensor, room in zip(self._all, self._room, strict=True):
                room[at:after] = tensor[run]
            at = after
        return tuple(room[:rows] for room in self._room)

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

    def _exchanged(self, exchange: Exchange, first: int) -> list[Tensor]:
        chosen = self._order[first * self._size : (first + self._together) * self._size]

        def pick(rows: Tensor) -> list[Tensor]:
            places = (rows - exchange.first if self._forget is None else exchange.within(rows)).to(self._all[-1].device)
            return [tensor.index_select(0, places) for tensor in self._tensors]

        found = exchange.rows(chosen[: len(chosen) // self._size * self._size], pick)
        return [tensor.to(self._device) for tensor in found]
