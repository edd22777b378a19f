"""Several processes that train one network: each takes its share of every batch, their gradients are added up.

All of them hold the same weights and draw the same random numbers. What looks at a whole batch does so here too:
dropout takes its rows of the mask that one process would draw, batch norm has the mean of all rows. So the weights are
those that one process gives, but for the order in which numbers are added.
"""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import Store  # type: ignore[attr-defined]
from torch.nn import functional

from mlspec.diagnostics import StepError
from mlspec.torchkit.backbones import Attend

T = TypeVar("T")


class PeerLostError(StepError):
    """Another of the processes is gone; that one reports the cause."""


class Share:
    """This process's rows of the batch at hand: from ``first`` on, ``rows`` of ``total``."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.first = self.rows = self.total = 0

    def cut(self, total: int, rank: int | None = None) -> slice:
        """The share of that many rows, this process's or another's; they differ by a row at most. Raises StepError when
        there is none for some."""
        if total < self.size:
            raise StepError(f"a batch of {total} rows can't be shared by {self.size} processes")
        which = self.rank if rank is None else rank
        ends = [total * index // self.size for index in (which, which + 1)]
        return slice(*ends)

    def enter(self, total: int) -> slice:
        """The same, to be the share of the batch at hand."""
        mine = self.cut(total)
        self.first, self.rows, self.total = mine.start, mine.stop - mine.start, total
        return mine

    def add(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        _together(lambda: dist.all_reduce(tensor))
        return tensor

    def gathered(self, own: Tensor, lengths: Sequence[int]) -> Tensor:
        """Rows that the processes have, so many each, in the order of the processes: all of them, for each of them."""
        found = own.new_empty((sum(lengths), *own.shape[1:]), device=place())
        for rank, rows in enumerate(torch.split(found, list(lengths))):
            if rank == self.rank:
                rows.copy_(own)
            if len(rows):
                _together(functools.partial(dist.broadcast, rows, src=rank))
        return found.to(own.device)

    def exchanged(self, rows: Tensor, given: Sequence[int], taken: Sequence[int]) -> Tensor:
        """Give so many of these rows to each process, the first ones to the first, and take so many from each."""
        own = rows.to(place())
        found = own.new_empty((sum(taken), *own.shape[1:]))
        if 0 not in own.shape[1:]:
            _together(lambda: dist.all_to_all_single(found, own, list(taken), list(given)))
        return found

    def of_first(self, read: Callable[[], T]) -> T:
        """What the first process reads: the others may see a shared folder as it was a while ago."""
        found: list[Any] = [read() if self.rank == 0 else None]
        _together(lambda: dist.broadcast_object_list(found, src=0))
        first: T = found[0]
        return first

    def add_gradients(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Replace each gradient by the sum over all processes, in one exchange with the loss; the loss's sum."""
        own = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        everything = self.add(torch.cat([*(gradient.reshape(-1) for gradient in own), loss.reshape(1)]))
        start = 0
        for parameter in parameters:
            summed = everything[start : start + parameter.numel()].view_as(parameter)
            parameter.grad = summed.to(parameter.dtype)
            start += parameter.numel()
        return everything[-1].clone()


@contextmanager
def joined(rank: int, size: int, place: str | Store, device: str) -> Iterator[None]:
    """This process is one of ``size`` that train together, until the end; they find each other through a file on one
    machine, through a store on several."""
    kind = "nccl" if device.startswith("cuda") else "gloo"
    if kind == "nccl":
        torch.cuda.set_device(torch.device(device))
    if isinstance(place, str):
        dist.init_process_group(kind, init_method=f"file://{place}", rank=rank, world_size=size)
    else:
        dist.init_process_group(kind, store=place, rank=rank, world_size=size)
    try:
        yield
        if not isinstance(place, str):
            # The store is in the first process: none needs it any more.
            _together(dist.barrier)
    finally:
        dist.destroy_process_group()


def place() -> torch.device:
    """Where tensors have to be that processes exchange."""
    return torch.device("cuda", torch.cuda.current_device()) if dist.get_backend() == "nccl" else torch.device("cpu")


def _together(exchange: Callable[[], Any]) -> None:
    try:
        exchange()
    except RuntimeError as error:
        # Gloo adds where in its code it was, and general advice.
        cause = re.sub(r"^\[\S+\] ", "", str(error)).partition(". This is")[0]
        raise PeerLostError(f"another process of this training is gone: {cause}") from None


def share() -> Share | None:
    """What this process is of a group that trains together; None where it trains alone."""
    return Share() if dist.is_available() and dist.is_initialized() else None


def spread(module: nn.Module, mine: Share) -> None:
    """Have the layers that look at a whole batch look at all processes' rows."""
    for layer in module.modules():
        swapped = _WHOLE.get(type(layer))
        if swapped is not None:
            # The layer stays what it is, with all its weights; only how it looks at a batch changes.
            layer.__class__ = swapped
            layer.share = mine  # type: ignore[assignment]


def drop(tensor: Tensor, p: float, mine: Share) -> Tensor:
    """Dropout by this process's part of the mask that is drawn for all rows."""
    each, rest = divmod(len(tensor), max(mine.rows, 1))
    if rest or not p:
        return functional.dropout(tensor, p)
    noise = functional.dropout(tensor.new_ones(mine.total * each, *tensor.shape[1:]), p)
    return tensor * noise[mine.first * each : (mine.first + mine.rows) * each]


class _SharedDropout(nn.Dropout):
    share: Share

    def forward(self, rows: Tensor) -> Tensor:
        return drop(rows, self.p, self.share) if self.training else rows


class _SharedAttend(Attend):
    share: Share

    def forward(self, query: Tensor, key: Tensor, seen: Tensor) -> Tensor:
        if not self.training or not self.p:
            return super().forward(query, key, seen)
        weights = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).softmax(dim=-1)
        return drop(weights, self.p, self.share) @ seen


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, tensor: Tensor, mine: Share) -> Tensor:
        context.share = mine
        return mine.add(tensor.clone())

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return context.share.add(gradients[0].clone()), None


class _SharedBatchNorm(nn.BatchNorm1d):
    share: Share

    def forward(self, rows: Tensor) -> Tensor:
        if not self.training:
            return super().forward(rows)
        others = [index for index in range(rows.dim()) if index != 1]
        shape = [1, -1] + [1] * (rows.dim() - 2)
        count = rows.numel() // rows.shape[1] * self.share.total // max(self.share.rows, 1)

        def over_all(values: Tensor) -> Tensor:
            summed: Tensor = _Sum.apply(values.sum(dim=others), self.share)  # type: ignore[no-untyped-call]
            return summed / count

        whole = rows.float()
        mean = over_all(whole)
        apart = whole - mean.view(shape)
        variance = over_all(apart * apart)
        self._remember(mean.detach(), variance.detach() * count / max(count - 1, 1))
        normed = apart * torch.rsqrt(variance + self.eps).view(shape)
        if self.weight is not None:
            normed = normed * self.weight.view(shape) + self.bias.view(shape)
        return normed.to(rows.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


_WHOLE: dict[type[nn.Module], type[nn.Module]] = {
    nn.Dropout: _SharedDropout,
    nn.BatchNorm1d: _SharedBatchNorm,
    Attend: _SharedAttend,
}
