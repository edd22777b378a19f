"""A residual network on embedded columns (Gorishniy et al. 2021)."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from mlspec.torchkit import outputs
from mlspec.torchkit.columns import Array, Columns, Shape, Table

if TYPE_CHECKING:
    from mlspec.models.torch.resnet import ResNet


class Config(Shape, frozen=True, kw_only=True):
    """The network's shape: all that its weights need to be read back."""

    blocks: int
    width: int
    hidden: int
    dropout: float
    hidden_dropout: float
    classes: int
    centre: float
    spread: float


def configure(model: "ResNet", table: Table) -> Config:
    """The shape that the settings ask for, on these columns."""
    return Config(
        numeric=table.numeric,
        bins=model.bins,
        numeric_width=model.numeric_width,
        levels=table.levels,
        widths=model.widths(table.levels),
        blocks=model.blocks,
        width=model.width,
        hidden=model.hidden(),
        dropout=model.dropout,
        hidden_dropout=model.hidden_dropout,
        classes=table.classes,
        centre=table.centre,
        spread=table.spread,
    )


def build(config: Config, numeric: Array | None) -> "Network":
    """A network of that shape; its numbers' curves fit ``numeric`` (rows, columns), None where they are read later."""
    return Network(config, numeric)


class Block(nn.Module):
    """What is added to a row's vector: (rows, width) -> the same shape."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(config.width),
            nn.Linear(config.width, config.hidden),
            nn.ReLU(),
            nn.Dropout(config.hidden_dropout),
            nn.Linear(config.hidden, config.width),
            nn.Dropout(config.dropout),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, width) -> (rows, width)."""
        changed: Tensor = rows + self.layers(rows)
        return changed


class Network(Columns):
    """Embedded columns, blocks, a head: (rows, columns) float32 and (rows, columns) int64 -> (rows, outputs)."""

    def __init__(self, config: Config, numeric: Array | None) -> None:
        super().__init__(config, numeric)
        self.first = nn.Linear(sum(config.sizes()), config.width)
        self.blocks = nn.Sequential(*(Block(config) for _ in range(config.blocks)))
        head = nn.Linear(config.width, outputs.count(config.classes))
        self.head = nn.Sequential(nn.BatchNorm1d(config.width), nn.ReLU(), head)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(rows, columns) float32 and (rows, columns) int64 -> (rows, outputs)."""
        result: Tensor = self.head(self.blocks(self.first(self.embed(numbers, codes))))
        return result
