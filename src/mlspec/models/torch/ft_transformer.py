"""A transformer over columns."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.models.torch._network import Network, outputs
from mlspec.plugin import Schema

if TYPE_CHECKING:
    from mlspec.torchkit.tabular import Kind


class FtTransformer(Network, frozen=True, kw_only=True):
    """A transformer over a row's columns: each column becomes a token, and attention finds which of them matter
    together (FT-Transformer, Gorishniy et al. 2021).

    A number's token is its learned curve over the quantiles of the training rows, as in `torch.mlp`; the row's answer
    is read from a token of its own. Trained as `torch.mlp` is.

    Why: columns whose effect depends on other columns, and a GPU: its time grows with the square of the columns.

    Example:
        transformer: {type: torch.ft_transformer, blocks: 3, heads: 8, head_width: 16}
    """

    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [1e-4, 5e-3]},
        "blocks": {"integer": [1, 4]},
        "head_width": {"choice": [4, 8, 16, 24]},
        "dropout": {"uniform": [0.0, 0.5]},
        "attention_dropout": {"uniform": [0.0, 0.5]},
        "weight_decay": {"log": [1e-4, 0.3]},
    }

    blocks: Annotated[int, Meta(description="Attention blocks.", ge=1, le=256)] = 2
    heads: Annotated[int, Meta(description="Attention heads of a block.", ge=1, le=256)] = 8
    head_width: Annotated[
        int, Meta(description="Width of a head; a token is as wide as all heads together.", ge=1, le=1024)
    ] = 8
    hidden_factor: Annotated[
        float, Meta(description="Hidden units of a block for each of a token's numbers.", gt=0, le=64)
    ] = 4 / 3
    attention_dropout: Annotated[
        float, Meta(description="Share of attention switched off at random while training.", ge=0, lt=1)
    ] = 0.2
    dropout: Annotated[
        float, Meta(description="Share of hidden units switched off at random while training.", ge=0, lt=1)
    ] = 0.1

    def hidden(self) -> int:
        """Hidden units of a block."""
        return max(1, round(self.heads * self.head_width * self.hidden_factor))

    def kind(self) -> "Kind":
        """Transformers over columns."""
        from mlspec.torchkit import ft_transformer

        return ft_transformer

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight; a column whose width or levels only fitting tells counts as little as it can."""
        width, hidden = self.heads * self.head_width, self.hidden()
        numeric = sum(c.width or 0 for c in columns if c.type != "code")
        levels = sum(1 if c.levels is None else c.levels for c in columns if c.type == "code")
        weights = numeric * (self.bins * (width + 2) + width if self.bins else 2 * width + 2) + levels * width + width
        # Queries, keys, values, their mixture, two normalisations (the first block has one), the gated layer.
        block = 4 * width * (width + 1) + 4 * width + 2 * hidden * (width + 1) + width * (hidden + 1)
        weights += self.blocks * block - 2 * width
        return 4 * (weights + 2 * width + outputs(classes) * (width + 1))
