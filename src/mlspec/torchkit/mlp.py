"""A perceptron on embedded columns."""

from typing import TYPE_CHECKING

from torch import Tensor, nn

from mlspec.torchkit import outputs
from mlspec.torchkit.columns import Array, Columns, Shape, Table

if TYPE_CHECKING:
    from mlspec.models.torch.mlp import Mlp

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


class Config(Shape, frozen=True, kw_only=True):
    """The network's shape: all that its weights need to be read back."""

    hidden: tuple[int, ...]
    activation: str
    dropout: float
    classes: int
    centre: float
    spread: float


def configure(model: "Mlp", table: Table) -> Config:
    """The shape that the settings ask for, on these columns."""
    return Config(
        numeric=table.numeric,
        bins=model.bins,
        numeric_width=model.numeric_width,
        levels=table.levels,
        widths=model.widths(table.levels),
        hidden=model.hidden,
        activation=model.activation,
        dropout=model.dropout,
        classes=table.classes,
        centre=table.centre,
        spread=table.spread,
    )


def build(config: Config, numeric: Array | None) -> "Network":
    """A network of that shape; its numbers' curves fit ``numeric`` (rows, columns), None where they are read later."""
    return Network(config, numeric)


class Network(Columns):
    """Embedded columns, then layers: (rows, columns) float32 and (rows, columns) int64 codes -> (rows, outputs)."""

    def __init__(self, config: Config, numeric: Array | None) -> None:
        super().__init__(config, numeric)
        layers: list[nn.Module] = []
        width = sum(config.sizes())
        for units in config.hidden:
            layers += [nn.Linear(width, units), ACTIVATIONS[config.activation]()]
            if config.dropout:
                layers.append(nn.Dropout(config.dropout))
            width = units
        layers.append(nn.Linear(width, outputs.count(config.classes)))
        self.layers = nn.Sequential(*layers)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(rows, columns) float32 and (rows, columns) int64 -> (rows, outputs)."""
        result: Tensor = self.layers(self.embed(numbers, codes))
        return result
