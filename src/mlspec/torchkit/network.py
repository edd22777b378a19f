"""Embedded columns, and a network behind them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class Curves(nn.Module):
    """Each number as a piecewise-linear curve into ``width`` dimensions (Gorishniy et al. 2022).

    ``edges`` (columns, bins + 1) rise along each row; where a column has fewer bins its last edge is repeated.
    (rows, columns) -> (rows, columns * width).
    """

    left: Tensor
    scale: Tensor
    lowest: Tensor
    highest: Tensor

    def __init__(self, edges: Tensor, width: int) -> None:
        super().__init__()
        columns, bins = edges.shape[0], edges.shape[1] - 1
        size = edges[:, 1:] - edges[:, :-1]
        real = size > 0
        used = real.sum(dim=1)
        position = torch.arange(bins)
        # The first piece goes on below the training rows, the last one above them.
        first, last = position == 0, position == (used - 1)[:, None]
        self.register_buffer("left", edges[:, :-1, None].transpose(1, 2).contiguous())
        self.register_buffer("scale", torch.where(real, 1 / size.clamp(min=1e-30), 0.0)[:, None, :])
        self.register_buffer(
            "lowest", torch.where(first, -torch.inf, 0.0).expand(columns, bins)[:, None, :].contiguous()
        )
        self.register_buffer("highest", torch.where(last, torch.inf, 1.0)[:, None, :])
        self.weight = nn.Parameter(torch.empty(columns, bins, width))
        self.bias = nn.Parameter(torch.zeros(columns, 1, width))
        nn.init.normal_(self.weight, std=used.clamp(min=1).double().mean().item() ** -0.5)

    def forward(self, numbers: Tensor) -> Tensor:
        """(rows, columns) -> (rows, columns * width)."""
        pieces = torch.clamp((numbers.t()[:, :, None] - self.left) * self.scale, self.lowest, self.highest)
        curves = torch.baddbmm(self.bias, pieces, self.weight).relu()
        return curves.transpose(0, 1).flatten(1)


class Scale(nn.Module):
    """Numbers, centred and scaled by what the training rows are."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)

    def forward(self, numbers: Tensor) -> Tensor:
        """(rows, columns) -> the same shape."""
        return (numbers - self.mean) / self.deviation


class Network(nn.Module):
    """Embedded columns, then ``layers``. ``numbers`` None where there are no numeric columns.

    ``behind`` makes what follows the embeddings, when these have been made: (rows, width) -> its outputs.
    ``breadth``: how many vectors it has for a row. (rows, columns) float32 and (rows, columns) int64 codes -> (rows,
    outputs), or (rows, members, outputs).
    """

    def __init__(
        self,
        numbers: nn.Module | None,
        levels: Sequence[int],
        widths: Sequence[int],
        behind: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.numbers = numbers
        self.categories = nn.ModuleList(nn.Embedding(n, w) for n, w in zip(levels, widths, strict=True))
        self.layers = behind()
        self.breadth = max(int(getattr(part, "breadth", 1)) for part in (numbers, self.layers))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(rows, columns) float32 and (rows, columns) int64 -> (rows, outputs), or (rows, members, outputs)."""
        parts = [] if self.numbers is None else [self.numbers(numbers)]
        parts += [table(codes[:, index]) for index, table in enumerate(self.categories)]
        result: Tensor = self.layers(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1))
        return result
