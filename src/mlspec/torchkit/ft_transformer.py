"""A transformer over a row's columns (FT-Transformer, Gorishniy et al. 2021)."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlspec.torchkit import outputs
from mlspec.torchkit.columns import Array, Columns, Shape, Table

if TYPE_CHECKING:
    from mlspec.models.torch.ft_transformer import FtTransformer


class Config(Shape, frozen=True, kw_only=True):
    """The network's shape: all that its weights need to be read back."""

    blocks: int
    heads: int
    width: int
    hidden: int
    attention_dropout: float
    dropout: float
    classes: int
    centre: float
    spread: float


def configure(model: "FtTransformer", table: Table) -> Config:
    """The shape that the settings ask for, on these columns: every column's vector has the width of the tokens."""
    width = model.heads * model.head_width
    return Config(
        numeric=table.numeric,
        bins=model.bins,
        numeric_width=width,
        levels=table.levels,
        widths=(width,) * len(table.levels),
        blocks=model.blocks,
        heads=model.heads,
        width=width,
        hidden=model.hidden(),
        attention_dropout=model.attention_dropout,
        dropout=model.dropout,
        classes=table.classes,
        centre=table.centre,
        spread=table.spread,
    )


def build(config: Config, numeric: Array | None) -> "Network":
    """A network of that shape; its numbers' curves fit ``numeric`` (rows, columns), None where they are read later."""
    return Network(config, numeric)


class Block(nn.Module):
    """Attention between tokens, then a layer on each of them, both added: (rows, tokens, width) -> the same shape.

    ``is_first``: its attention reads the tokens as they are; normalising them there makes training worse (Gorishniy et
    al. 2021). ``is_last``: only the first token is wanted, (rows, 1, width).
    """

    def __init__(self, config: Config, *, is_first: bool, is_last: bool) -> None:
        super().__init__()
        width = config.width
        self.heads, self.attention_dropout, self.is_last = config.heads, config.attention_dropout, is_last
        self.before_attention = nn.Identity() if is_first else nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.mix = nn.Linear(width, width)
        self.before_layer = nn.LayerNorm(width)
        self.gated = nn.Linear(width, 2 * config.hidden)
        self.out = nn.Linear(config.hidden, width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """(rows, tokens, width) -> the same shape, or (rows, 1, width)."""
        read = self.before_attention(tokens)
        if self.is_last:
            tokens = tokens[:, :1]
        query = self._split(self.query(read[:, :1] if self.is_last else read))
        key, value = (self._split(half) for half in self.key_value(read).chunk(2, dim=2))
        dropped = self.attention_dropout if self.training else 0.0
        found = functional.scaled_dot_product_attention(query, key, value, dropout_p=dropped)
        tokens = tokens + self.mix(found.transpose(1, 2).flatten(2))
        half, gate = self.gated(self.before_layer(tokens)).chunk(2, dim=2)
        result: Tensor = tokens + self.out(self.dropout(half * gate.relu()))
        return result

    def _split(self, tokens: Tensor) -> Tensor:
        """(rows, tokens, width) -> (rows, heads, tokens, width / heads)."""
        rows, count, width = tokens.shape
        return tokens.reshape(rows, count, self.heads, width // self.heads).transpose(1, 2)


class Lines(nn.Module):
    """Each scaled number times a vector, plus another: (rows, columns) -> (rows, columns * width)."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(columns, width).uniform_(-(width**-0.5), width**-0.5))
        self.bias = nn.Parameter(torch.empty(columns, width).uniform_(-(width**-0.5), width**-0.5))

    def forward(self, numbers: Tensor) -> Tensor:
        """(rows, columns) -> (rows, columns * width)."""
        return torch.addcmul(self.bias, numbers[:, :, None], self.weight).flatten(1)


class Network(Columns):
    """A token for each column and one more, whose vector is the row in the end: numbers, codes -> (rows, outputs)."""

    def __init__(self, config: Config, numeric: Array | None) -> None:
        super().__init__(config, numeric)
        width = config.width
        self.breadth = max(1, (config.numeric + len(config.levels)) // 4)
        if self.numbers is not None and not config.bins:
            self.numbers = nn.Sequential(self.numbers, Lines(config.numeric, width))
        for weight in self.categories.parameters():
            nn.init.uniform_(weight, -(width**-0.5), width**-0.5)
        self.token = nn.Parameter(torch.empty(width).uniform_(-(width**-0.5), width**-0.5))
        last = config.blocks - 1
        blocks = [Block(config, is_first=index == 0, is_last=index == last) for index in range(config.blocks)]
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, outputs.count(config.classes)))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """(rows, columns) float32 and (rows, columns) int64 -> (rows, outputs)."""
        columns = self.embed(numbers, codes).reshape(len(codes), -1, len(self.token))
        tokens = torch.cat([self.token.expand(len(columns), 1, -1), columns], dim=1)
        result: Tensor = self.head(self.blocks(tokens)[:, 0])
        return result
