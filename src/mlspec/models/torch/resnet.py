"""A residual network."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.models.torch._network import Embedding, outputs
from mlspec.plugin import Schema, Training

if TYPE_CHECKING:
    from mlspec.torchkit.tabular import Kind


class ResNet(Embedding, frozen=True, kw_only=True):
    """A residual network: each block adds something to a row's vector, normalised over the batch (Gorishniy et al.
    2021).

    Columns go in, and it is trained, as `torch.mlp` is.

    Why: it can be deeper than a perceptron without becoming harder to train; worth a try on many rows, where a
    perceptron's training loss stays high.

    Example:
        resnet: {type: torch.resnet, blocks: 4, width: 256}
    """

    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [2e-4, 1e-2]},
        "blocks": {"integer": [1, 6]},
        "width": {"choice": [64, 128, 192, 256, 384]},
        "dropout": {"uniform": [0.0, 0.3]},
        "hidden_dropout": {"uniform": [0.0, 0.5]},
        "weight_decay": {"log": [1e-4, 0.3]},
    }

    batch_size: Annotated[
        Annotated[int, Meta(ge=2, le=10_000_000)] | None,
        Meta(description="Rows in one step; by the number of training rows, from 16 to 512, if left out."),
    ] = None
    blocks: Annotated[int, Meta(description="Residual blocks.", ge=1, le=1024)] = 2
    width: Annotated[int, Meta(description="Width of the vector that blocks add to.", ge=1, le=65_536)] = 128
    hidden_factor: Annotated[
        float, Meta(description="Hidden units of a block for each of the vector's numbers.", gt=0, le=64)
    ] = 2.0
    hidden_dropout: Annotated[
        float, Meta(description="Share of hidden units switched off at random while training.", ge=0, lt=1)
    ] = 0.1
    dropout: Annotated[
        float, Meta(description="Share of what a block adds switched off at random while training.", ge=0, lt=1)
    ] = 0.0

    def hidden(self) -> int:
        """Hidden units of a block."""
        return max(1, round(self.width * self.hidden_factor))

    def kind(self) -> "Kind":
        """Residual networks."""
        from mlspec.torchkit import resnet

        return resnet

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Train and save weights (safetensors) and shape (JSON); the history holds each epoch's losses."""
        if len(training.target) < 2:
            raise StepError("torch.resnet is normalised over several rows, there is but one to train on")
        return super().fit(training, folder)

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight; a column whose width or levels only fitting tells counts as little as it can."""
        weights, width = self.embedded(columns)
        weights += self.width * (width + 1)
        # A normalisation keeps four numbers for each that it normalises.
        weights += self.blocks * (4 * self.width + self.hidden() * (2 * self.width + 1) + self.width)
        return 4 * (weights + 4 * self.width + outputs(classes) * (self.width + 1))
