"""The order in which an epoch takes rows: it follows from the seed, the epoch and the table alone.

The rows of a small table are permuted. Of a large one single rows would cost a page of the disk each: there blocks of
neighbours are permuted, and then the rows within each window of many blocks. What counts as large is fixed, so that no
machine's memory changes a result.
"""

import hashlib

import torch
from torch import Tensor

LARGE = 128 * 1024 * 1024  # bytes of a table from which on rows are taken by windows
WINDOW = 64 * 1024 * 1024  # bytes of a window
BLOCK = 1024 * 1024  # bytes of a block


class Order:
    """The order of ``count`` rows of ``width`` numbers, taken ``size`` at a time; ``steps`` of them in a window."""

    def __init__(self, seed: int, count: int, width: int, size: int) -> None:
        self._seed, self._count, self._size = seed, count, size
        row = 4 * max(1, width)
        self.is_large = count * row > LARGE
        self._block = max(1, BLOCK // row)
        self.steps = max(1, WINDOW // (row * size)) if self.is_large else max(1, count // size)
        self._epoch, self._blocks, self._ends = -1, torch.empty(0), torch.empty(0)

    def window(self, epoch: int, number: int) -> tuple[list[slice], Tensor]:
        """The runs of rows that a window is made of, and the order (positions in these runs) that it takes them in."""
        if not self.is_large:
            return [slice(0, self._count)], _permutation(f"order {self._seed} {epoch}", self._count)
        if epoch != self._epoch:
            self._epoch = epoch
            self._blocks = _permutation(f"blocks {self._seed} {epoch}", -(-self._count // self._block))
            lengths = torch.full((len(self._blocks),), self._block)
            lengths[self._blocks == len(self._blocks) - 1] = self._count - (len(self._blocks) - 1) * self._block
            self._ends = lengths.cumsum(0)
        start = number * self.steps * self._size
        stop = min(self._count, start + self.steps * self._size)
        runs = []
        first = int(torch.searchsorted(self._ends, start, right=True))
        while start < stop:
            end = int(self._ends[first])
            block = int(self._blocks[first])
            length = min(self._block, self._count - block * self._block)
            # A block may be across the border of two windows.
            at = block * self._block + start - (end - length)
            taken = min(stop, end) - start
            runs.append(slice(at, at + taken))
            start, first = start + taken, first + 1
        rows = sum(run.stop - run.start for run in runs)
        return runs, _permutation(f"window {self._seed} {epoch} {number}", rows)


def _permutation(about: str, count: int) -> Tensor:
    number = int.from_bytes(hashlib.sha256(about.encode()).digest()[:7], "big")
    return torch.randperm(count, generator=torch.Generator().manual_seed(number))
