"""Pictures among a network's numbers: convolutions turn each into a vector, other numbers are embedded beside them."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

ROW = 512  # numbers for a row that count as one vector, where rows are evaluated together

Block = tuple[int, tuple[int, ...]]
"""The first of the numbers that are a picture, and its height, width and channels."""


def others(numeric: int, blocks: Sequence[Block]) -> list[int]:
    """The numbers that belong to no picture."""
    taken = {start + k for start, shape in blocks for k in range(math.prod(shape))}
    return [column for column in range(numeric) if column not in taken]


class Stage(nn.Module):
    """3 x 3 convolutions, each normed over the batch, and then half the height and width (the larger of each four);
    (rows, channels, height, width) -> (rows, units, height / 2, width / 2)."""

    def __init__(self, channels: int, units: int, convolutions: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(convolutions):
            layers += [nn.Conv2d(channels, units, 3, padding=1, bias=False), nn.BatchNorm2d(units), nn.ReLU()]
            channels = units
        self.layers = nn.Sequential(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, units, height / 2, width / 2)."""
        made: Tensor = self.layers(pictures)
        # A side that is one pixel long stays so.
        return functional.max_pool2d(made, [min(2, side) for side in made.shape[2:]])


class Pictures(nn.Module):
    """Each picture through stages of convolutions to the mean and the greatest of each of their units over its places;
    ``plain`` numbers through ``embedding``. (rows, columns) -> (rows, width)."""

    index: Tensor

    def __init__(
        self,
        numeric: int,
        blocks: Sequence[Block],
        embedding: nn.Module | None,
        embedded: int,
        channels: Sequence[int],
        convolutions: int,
    ) -> None:
        super().__init__()
        self.blocks = [(start, tuple(shape)) for start, shape in blocks]
        self.embedding = embedding
        self.register_buffer("index", torch.tensor(others(numeric, blocks), dtype=torch.int64), persistent=False)
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(
                    Stage(before, after, convolutions)
                    for before, after in zip((shape[2], *channels[:-1]), channels, strict=True)
                )
            )
            for _start, shape in self.blocks
        )
        self.width = embedded + 2 * channels[-1] * len(self.blocks)
        largest = max(shape[0] * shape[1] for _start, shape in self.blocks)
        self.breadth = max(1, largest * channels[0] * 3 // ROW)

    def forward(self, numbers: Tensor) -> Tensor:
        """(rows, columns) -> (rows, width)."""
        parts = []
        for (start, (height, width, channels)), stages in zip(self.blocks, self.stages, strict=True):
            flat = numbers[:, start : start + height * width * channels]
            picture = flat.reshape(-1, height, width, channels).permute(0, 3, 1, 2).contiguous()
            made = stages(picture).flatten(2)
            parts += [made.mean(dim=2), made.amax(dim=2)]
        if self.embedding is not None:
            parts.append(self.embedding(numbers[:, self.index]))
        return torch.cat(parts, dim=1)
