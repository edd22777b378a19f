"""Perceptrons that share their weights, each with a scaling of its own (TabM, Gorishniy et al. 2024)."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlspec.torchkit import outputs
from mlspec.torchkit.columns import Array, Columns, Shape, Table

if TYPE_CHECKING:
    from mlspec.models.torch.tabm import TabM


class Config(Shape, frozen=True, kw_only=True):
    """The network's shape: all that its weights need to be read back."""

    members: int
    hidden: tuple[int, ...]
    dropout: float
    classes: int
    centre: float
    spread: float


def configure(model: "TabM", table: Table) -> Config:
    """The shape that the settings ask for, on these columns."""
    return Config(
        numeric=table.numeric,
        bins=model.bins,
        numeric_width=model.numeric_width,
        levels=table.levels,
        widths=model.widths(table.levels),
        members=model.members,
        hidden=model.hidden,
        dropout=model.dropout,
        classes=table.classes,
        centre=table.centre,
        spread=table.spread,
    )


def build(config: Config, numeric: Array | None) -> "Network":
    """A network of that shape; its numbers' curves fit ``numeric`` (rows, columns), None where they are read later."""
    return Network(config, numeric)


class Shared(nn.Module):
    """One linear layer for all members; each scales what goes in and what comes out (BatchEnsemble, Wen et al. 2020).

    (rows, members, inputs) -> (rows, members, outputs). All members begin alike.
    """

    def __init__(self, members: int, inputs: int, units: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(units, inputs).uniform_(-(inputs**-0.5), inputs**-0.5))
        self.scale_in = nn.Parameter(torch.ones(members, inputs))
        self.scale_out = nn.Parameter(torch.ones(members, units))
        self.bias = nn.Parameter(torch.empty(units).uniform_(-(inputs**-0.5), inputs**-0.5).repeat(members, 1))

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, members or 1, inputs) -> (rows, members, outputs)."""
        # A product with a fused addition costs one pass over the units less than scaling and adding apart.
        return torch.addcmul(self.bias, functional.linear(rows * self.scale_in, self.weight), self.scale_out)


class Heads(nn.Module):
    """A linear layer for each member: (rows, members, inputs) -> (rows, members, outputs)."""

    def __init__(self, members: int, inputs: int, units: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, inputs, units).uniform_(-(inputs**-0.5), inputs**-0.5))
        self.bias = nn.Parameter(torch.empty(members, units).uniform_(-(inputs**-0.5), inputs**-0.5))

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, members, inputs) -> (rows, members, outputs)."""
        return torch.einsum("nki,kio->nko", rows, self.weight) + self.bias


class Network(Columns):
    """Embedded columns, then the members' layers: a row's output is one a member, (rows, members, outputs)."""

    def __init__(self, config: Config, numeric: Array | None) -> None:
        super().__init__(config, numeric)
        self.breadth = config.members
        sizes = config.sizes()
        # Members differ by which columns they turn around at first. Normal scales, which the paper takes with curves,
        # are as good on classes and learn numbers more slowly (docs/models.md).
        columns = torch.randint(0, 2, (config.members, len(sizes))).float() * 2 - 1
        width = sum(sizes)
        layers: list[nn.Module] = []
        for units in config.hidden:
            layers += [Shared(config.members, width, units), nn.ReLU()]
            if config.dropout:
                layers.append(nn.Dropout(config.dropout))
            width = units
        layers.append(Heads(config.members, width, outputs.count(config.classes)))
        self.layers = nn.Sequential(*layers)
        self.layers[0].scale_in = nn.Parameter(columns.repeat_interleave(torch.tensor(sizes), dim=1))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(rows, columns) float32 and (rows, columns) int64 -> (rows, members, outputs)."""
        result: Tensor = self.layers(self.embed(numbers, codes)[:, None, :])
        return result
