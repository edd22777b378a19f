"""A multilayer perceptron."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.models.torch._network import Embedding, outputs
from mlspec.plugin import Schema

if TYPE_CHECKING:
    from mlspec.torchkit.tabular import Kind


class Mlp(Embedding, frozen=True, kw_only=True):
    """A multilayer perceptron on embedded columns: each category has a learned vector, each number a learned
    piecewise-linear curve over the quantiles of the training rows (Gorishniy et al. 2022).

    Trained with AdamW; the weights of the epoch with the least validation loss are kept. A killed training goes on from
    its last checkpoint and ends with the same weights.

    Why: with many rows, wide categories or a GPU at hand a network is worth having in the race; the embeddings spare it
    the hand-made scaling and crossing of columns.

    Example:
        mlp: {type: torch.mlp, hidden: [256, 128], dropout: 0.2, epochs: 30}
    """

    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [2e-4, 1e-2]},
        "dropout": {"uniform": [0.0, 0.5]},
        "hidden": {"choice": [[128], [256, 128], [256, 256], [512, 256], [256, 256, 128]]},
        "weight_decay": {"log": [1e-4, 0.3]},
        "bins": {"choice": [16, 32, 64]},
    }

    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(description="Units of each hidden layer.", max_length=64, examples=[[256, 128]]),
    ] = (256, 128)
    activation: Annotated[Literal["relu", "gelu", "silu"], Meta(description="What stands between layers.")] = "relu"
    dropout: Annotated[
        float, Meta(description="Share of hidden units switched off at random while training.", ge=0, lt=1)
    ] = 0.1

    def kind(self) -> "Kind":
        """Perceptrons."""
        from mlspec.torchkit import mlp

        return mlp

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight; a column whose width or levels only fitting tells counts as little as it can."""
        weights, width = self.embedded(columns)
        for units in (*self.hidden, outputs(classes)):
            weights += units * (width + 1)
            width = units
        return 4 * weights
