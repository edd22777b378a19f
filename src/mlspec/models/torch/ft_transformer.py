"""A transformer between columns."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugins.base import Schema
from mlspec.plugins.model import BatchMemory
from mlspec.torchkit import settings
from mlspec.torchkit.tabular_model import TabularModel


class FtTransformer(TabularModel, frozen=True, kw_only=True):
    """A transformer in which columns attend to each other (FT-Transformer, Gorishniy et al. 2021). Each column is a
    token: the embedding of a category, or of a number as in `torch.mlp`.

    Why: it finds interactions of columns itself; it takes many times as long as a perceptron, which a GPU compensates.

    Example:
        attention: {type: torch.ft_transformer, layers: 2, heads: 4}
    """

    version: ClassVar[int] = 2
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [2e-4, 4e-3]},
        "layers": {"integer": [1, 4]},
        "dropout": {"uniform": [0.0, 0.4]},
        "weight_decay": {"log": [1e-5, 0.1]},
    }

    layers: Annotated[int, Meta(description="Number of attention layers.", ge=1, le=32)] = 2
    heads: Annotated[
        Literal[1, 2, 4, 8], Meta(description="Attention heads per layer, of `token_by_head` dimensions each.")
    ] = 4
    token_by_head: Annotated[int, Meta(description="Dimensions of a token per head.", ge=1, le=256)] = 8
    inner: Annotated[int, Meta(description="Width of the gated feed-forward layer.", ge=1, le=65_536)] = 64
    dropout: settings.Dropout = 0.1
    bins: Annotated[
        int,
        Meta(
            description="Pieces of each number's piecewise linear encoding, cut at quantiles of the training rows.",
            ge=1,
            le=1024,
        ),
    ] = 32
    epochs: settings.Epochs = 20
    batch_size: settings.BatchSize = None
    learning_rate: settings.LearningRate = 0.001
    schedule: settings.Schedule = "cosine"
    weight_decay: settings.WeightDecay = 0.001
    clip_norm: settings.ClipNorm = 1.0
    patience: settings.Patience = 6
    time: settings.Time = None
    label_smoothing: settings.LabelSmoothing = 0.0
    class_weight: settings.ClassWeight = None
    private: settings.PrivateTraining = None

    @property
    def token(self) -> int:
        """The width of a token."""
        return self.heads * self.token_by_head

    @property
    def numeric_width(self) -> int:
        """A number's curve is as wide as a token."""
        return self.token

    @property
    def category_width(self) -> int:
        """A category's vector is as wide as a token."""
        return self.token

    def backbone(self, classes: int) -> dict[str, Any]:
        """What stands behind the embeddings, as ``torchkit.backbones`` builds it."""
        return {
            "kind": "ft_transformer",
            "token": self.token,
            "layers": self.layers,
            "heads": self.heads,
            "inner": self.inner,
            "dropout": self.dropout,
        }

    def batch_memory(self, columns: Schema, rows: int) -> BatchMemory | None:
        """Attention's weights between all tokens, three times in each layer: as they are, which of them dropout keeps,
        and what is left; all are kept for the gradients. Without dropout torch makes no such table."""
        if not self.dropout:
            return None
        tokens = 1 + settings.numbers(columns) + sum(c.type == "code" for c in columns)
        # Private training takes the gradients of a few rows at a time.
        batch = 1 if self.private is not None else settings.batch(self.batch_size, rows)
        return BatchMemory(
            size=3 * self.layers * batch * self.heads * tokens**2 * 4,
            rows=batch,
            counted=f"attention between {tokens:,} tokens, one a number: 3 times in each of {self.layers} layers "
            f"{batch:,} rows x {self.heads} heads x {tokens:,} x {tokens:,} weights of 4 bytes",
            instead="a smaller preprocessing.image size, torch.cnn for pictures, fewer words of a text, a smaller "
            "batch_size, or dropout: 0",
        )

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight of tokens and layers."""
        width = self.token
        weights, together = settings.embedded(columns, self.bins, width, width)
        layer = width * (4 * width + 4) + 4 * width + self.inner * (3 * width + 2) + width
        weights += together + 3 * width + self.layers * layer + settings.outputs(classes) * (width + 1)
        return 4 * weights
