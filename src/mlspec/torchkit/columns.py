"""How a network takes columns in: each category as a learned vector, each number as a curve or scaled."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

Array = np.ndarray[Any, Any]

LOOKED_AT = 500_000  # rows that quantiles are taken of


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The columns' part of a network's shape: a vector of ``numeric_width`` for each of ``numeric`` numbers with
    curves of ``bins`` pieces (0: the number itself, scaled), and one of ``widths[i]`` for a category of ``levels[i]``.
    """

    numeric: int
    bins: int
    numeric_width: int
    levels: tuple[int, ...]
    widths: tuple[int, ...]

    def sizes(self) -> tuple[int, ...]:
        """The width of each column's vector, numbers first."""
        return (self.numeric_width if self.bins else 1,) * self.numeric + self.widths


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that a network is for: columns, classes (0: values), and the scaling of a target of values."""

    numeric: int
    levels: tuple[int, ...]
    classes: int
    centre: float
    spread: float


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


class Columns(nn.Module):
    """The part of a network that takes columns in; what stands on it subclasses this.

    ``numeric`` (rows, columns) is what curves and scales are fitted to, None where they are read later.
    ``breadth``: how many vectors the network carries for a row; fewer rows go through it at once.
    """

    breadth: int = 1

    def __init__(self, shape: Shape, numeric: Array | None) -> None:
        super().__init__()
        self.numbers = _numbers(shape, numeric)
        pairs = zip(shape.levels, shape.widths, strict=True)
        self.categories = nn.ModuleList(nn.Embedding(count, width) for count, width in pairs)

    def embed(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(rows, columns) float32 and (rows, columns) int64 codes -> (rows, sum of ``Shape.sizes``)."""
        parts = [] if self.numbers is None else [self.numbers(numbers)]
        parts += [table(codes[:, index]) for index, table in enumerate(self.categories)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _numbers(shape: Shape, numeric: Array | None) -> nn.Module | None:
    if not shape.numeric:
        return None
    if shape.bins:
        size = (shape.numeric, shape.bins + 1)
        edges = np.zeros(size, np.float32) if numeric is None else quantile_edges(numeric, shape.bins)
        return Curves(torch.from_numpy(edges), shape.numeric_width)
    rows = np.zeros((1, shape.numeric), np.float32) if numeric is None else numeric
    deviation = rows.std(axis=0, dtype=np.float64)
    mean = rows.mean(axis=0, dtype=np.float64)
    scale = np.where(deviation > 0, deviation, 1.0)
    return Scale(torch.from_numpy(mean.astype(np.float32)), torch.from_numpy(scale.astype(np.float32)))


def quantile_edges(numeric: Array, bins: int) -> Array:
    """Edges (columns, bins + 1) at quantiles of each column, the last one repeated where there are fewer.

    Where many rows share a value, what its quantiles leave over is spent on the quantiles of the distinct values.
    """
    step = max(1, len(numeric) // LOOKED_AT)
    edges = np.empty((numeric.shape[1], bins + 1), np.float32)
    shares = np.linspace(0, 1, bins + 1)
    for column in range(numeric.shape[1]):
        values = np.sort(numeric[::step, column])
        distinct = np.unique(values)
        if len(distinct) > bins + 1:
            chosen = np.unique(_at(values, shares))
            rest = np.setdiff1d(distinct, chosen)
            left = bins + 1 - len(chosen)
            if left and len(rest):
                chosen = np.union1d(chosen, _at(rest, np.linspace(0, 1, left)))
            distinct = chosen
        edges[column] = np.concatenate([distinct, np.repeat(distinct[-1:], bins + 1 - len(distinct))])
    return edges


def _at(values: Array, shares: Sequence[float] | Array) -> Array:
    return np.asarray(values[np.rint(np.asarray(shares) * (len(values) - 1)).astype(np.int64)])
