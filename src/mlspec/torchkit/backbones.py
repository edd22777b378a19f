"""What follows the embeddings: perceptron, residual network, ensemble of perceptrons, transformer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}


def build(about: Mapping[str, Any], width: int, outputs: int) -> nn.Module:
    """The network described by ``about`` (its ``kind`` and settings): (rows, width) -> (rows, outputs), or with members
    (rows, members, outputs)."""
    settings = {name: value for name, value in about.items() if name != "kind"}
    kinds: dict[str, Callable[..., nn.Module]] = {
        "mlp": mlp,
        "resnet": resnet,
        "cnn": behind_pictures,
        "tabm": Members,
        "ft_transformer": Transformer,
    }
    return kinds[about["kind"]](width, outputs, **settings)


def mlp(width: int, outputs: int, *, hidden: Sequence[int], activation: str, dropout: float) -> nn.Module:
    """Layers, one behind the other."""
    layers: list[nn.Module] = []
    for units in hidden:
        layers += [nn.Linear(width, units), ACTIVATIONS[activation]()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        width = units
    layers.append(nn.Linear(width, outputs))
    return nn.Sequential(*layers)


def behind_pictures(
    width: int, outputs: int, *, hidden: Sequence[int], activation: str, dropout: float, **_convolutions: Any
) -> nn.Module:
    """Layers behind what convolutions make of pictures (``torchkit.pictures``)."""
    return mlp(width, outputs, hidden=hidden, activation=activation, dropout=dropout)


class Residual(nn.Module):
    """A block that adds to what it reads."""

    def __init__(self, width: int, inner: int, dropout: float, residual_dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.Linear(width, inner),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(inner, width),
            nn.Dropout(residual_dropout),
        )

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, width) -> the same shape."""
        result: Tensor = rows + self.layers(rows)
        return result


def resnet(
    width: int, outputs: int, *, blocks: int, units: int, inner: int, dropout: float, residual_dropout: float
) -> nn.Module:
    """Blocks that each add to what they read (Gorishniy et al. 2021)."""
    body = [Residual(units, inner, dropout, residual_dropout) for _ in range(blocks)]
    return nn.Sequential(nn.Linear(width, units), *body, nn.BatchNorm1d(units), nn.ReLU(), nn.Linear(units, outputs))


class Shared(nn.Module):
    """A layer whose weights all members share, each with scales of its own on both sides (BatchEnsemble, Wen et al.
    2020); (rows, members, width) -> (rows, members, units)."""

    def __init__(self, members: int, width: int, units: int, first: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(width, units, bias=False)
        # Only the first scales differ at the start: that is what makes members of one network different ones.
        before = torch.randint(0, 2, (members, width)).float() * 2 - 1 if first else torch.ones(members, width)
        self.before = nn.Parameter(before)
        self.after = nn.Parameter(torch.ones(members, units))
        self.bias = nn.Parameter(torch.empty(units).uniform_(-(width**-0.5), width**-0.5).repeat(members, 1))

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, members, width) -> (rows, members, units)."""
        return torch.addcmul(self.bias, self.layer(rows * self.before), self.after)


class Members(nn.Module):
    """Perceptrons that share their weights and learn side by side (TabM, Gorishniy et al. 2024).

    (rows, width) -> (rows, members, outputs).
    """

    def __init__(
        self, width: int, outputs: int, *, members: int, hidden: Sequence[int], activation: str, dropout: float
    ) -> None:
        super().__init__()
        self.members = self.breadth = members
        layers: list[nn.Module] = []
        for number, units in enumerate(hidden):
            layers += [Shared(members, width, units, number == 0), ACTIVATIONS[activation]()]
            if dropout:
                layers.append(nn.Dropout(dropout))
            width = units
        self.layers = nn.Sequential(*layers)
        bound = width**-0.5
        self.weight = nn.Parameter(torch.empty(members, width, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, outputs).uniform_(-bound, bound))

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, width) -> (rows, members, outputs)."""
        hidden = self.layers(rows[:, None].expand(-1, self.members, -1))
        return torch.einsum("rmw,mwo->rmo", hidden, self.weight) + self.bias


class Attend(nn.Module):
    """Attention with dropout of its weights; (rows, heads, tokens, width) each -> the same shape."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.p = dropout

    def forward(self, query: Tensor, key: Tensor, seen: Tensor) -> Tensor:
        """What each token gathers from the others."""
        return functional.scaled_dot_product_attention(query, key, seen, dropout_p=self.p if self.training else 0.0)


class _Attention(nn.Module):
    """A layer of a transformer, normed before: attention between tokens, then a gated layer in each."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.attend, self.dropout = heads, Attend(dropout), nn.Dropout(dropout)
        self.norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.gate, self.back = nn.Linear(width, 2 * inner), nn.Linear(inner, width)

    def forward(self, tokens: Tensor) -> Tensor:
        rows, count, width = tokens.shape
        shape = (rows, count, self.heads, width // self.heads)
        parts = self.mix(self.norm(tokens)).chunk(3, dim=-1)
        query, key, seen = (part.reshape(shape).transpose(1, 2) for part in parts)
        mixed = self.attend(query, key, seen)
        tokens = tokens + self.join(mixed.transpose(1, 2).reshape(rows, count, width))
        value, gate = self.gate(self.second_norm(tokens)).chunk(2, dim=-1)
        inner = self.dropout(value * functional.relu(gate))
        result: Tensor = tokens + self.back(inner)
        return result


class Transformer(nn.Module):
    """Attention between columns, each a token of ``token`` numbers, and one more that gathers the answer
    (FT-Transformer, Gorishniy et al. 2021). (rows, columns * token) -> (rows, outputs)."""

    def __init__(
        self, width: int, outputs: int, *, token: int, layers: int, heads: int, inner: int, dropout: float
    ) -> None:
        super().__init__()
        self.token, self.breadth = token, max(1, width // token // 4)
        self.answer = nn.Parameter(torch.empty(token).uniform_(-(token**-0.5), token**-0.5))
        self.place = nn.Parameter(torch.empty(width // token, token).uniform_(-(token**-0.5), token**-0.5))
        self.layers = nn.ModuleList(_Attention(token, heads, inner, dropout) for _ in range(layers))
        self.head = nn.Sequential(nn.LayerNorm(token), nn.ReLU(), nn.Linear(token, outputs))

    def forward(self, rows: Tensor) -> Tensor:
        """(rows, columns * token) -> (rows, outputs)."""
        tokens = rows.reshape(len(rows), -1, self.token) + self.place
        tokens = torch.cat([self.answer.expand(len(rows), 1, -1), tokens], dim=1)
        for layer in self.layers:
            tokens = layer(tokens)
        result: Tensor = self.head(tokens[:, 0])
        return result
