"""Batches of processes that have a share of the rows each: every one gives the others what they need of its rows."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mlspec.torchkit.together import Share


class Exchange:
    """What goes from one process to another for batches of ``size`` rows; ``shares`` as in ``Features``."""

    def __init__(self, share: Share, shares: Sequence[int], size: int) -> None:
        self._share, self._size = share, size
        self.first, self.stop = shares[share.rank], shares[share.rank + 1]
        self._ends = torch.tensor(shares[1:])
        ends = torch.tensor([share.cut(size, rank).stop for rank in range(share.size)])
        self._takers = torch.searchsorted(ends, torch.arange(size), right=True)
        self._runs = torch.zeros((0, 2), dtype=torch.int64)

    def of_own(self, runs: Sequence[slice]) -> list[slice]:
        """What these runs of rows have of this process's share, counted from its first row and in its order."""
        own = [slice(max(run.start, self.first), min(run.stop, self.stop)) for run in runs]
        own = sorted((run for run in own if run.start < run.stop), key=lambda run: run.start)
        self._runs = torch.tensor([[run.start, run.stop] for run in own], dtype=torch.int64).reshape(-1, 2)
        return [slice(run.start - self.first, run.stop - self.first) for run in own]

    def within(self, rows: Tensor) -> Tensor:
        """The places of rows of this process's share (numbers of the table) in those runs, one after the other."""
        starts, lengths = self._runs[:, 0].contiguous(), self._runs[:, 1] - self._runs[:, 0]
        run = torch.searchsorted(starts, rows, right=True) - 1
        return rows - starts[run] + (lengths.cumsum(0) - lengths)[run]

    def rows(self, chosen: Tensor, pick: Callable[[Tensor], Sequence[Tensor]]) -> list[Tensor]:
        """This process's rows of some whole batches, of which ``chosen`` has the numbers; ``pick`` gives rows of its
        share."""
        owner = torch.searchsorted(self._ends, chosen, right=True)
        taker = self._takers.repeat(len(chosen) // self._size)
        mine, wanted = ((who == self._share.rank).nonzero()[:, 0] for who in (owner, taker))
        # Rows that go from one process to another keep the order of the batches: both sides know it.
        mine = mine[taker[mine].argsort(stable=True)]
        place = owner[wanted].argsort(stable=True)
        given, taken = (
            torch.bincount(who, minlength=self._share.size).tolist() for who in (taker[mine], owner[wanted])
        )
        found = []
        for tensor in pick(chosen[mine]):
            got = self._share.exchanged(tensor, given, taken)
            found.append(torch.empty_like(got).index_copy_(0, place.to(got.device), got))
        return found
