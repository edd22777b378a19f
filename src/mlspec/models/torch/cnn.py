"""A convolutional network."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Schema
from mlspec.plugins.model import BatchMemory
from mlspec.torchkit import settings
from mlspec.torchkit.tabular_model import TabularModel


class Cnn(TabularModel, frozen=True, kw_only=True):
    """A convolutional network for images: stages of 3 x 3 convolutions, each of which halves height and width (Simonyan
    and Zisserman 2015), with batch norm; then layers as in `torch.mlp`, whose inputs are the mean and maximum of each
    unit, and the other columns embedded as there.

    It is trained from scratch, without pretrained weights.

    Why: it uses that pixels are neighbours, anywhere in the image; a model for tables does not.

    Example:
        cnn: {type: torch.cnn, channels: [32, 64], epochs: 30}
    """

    needs: ClassVar[str] = "image"
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [5e-4, 1e-2]},
        "channels": {"choice": [[16, 32], [32, 64], [32, 64, 128], [64, 128, 256]]},
        "dropout": {"uniform": [0.0, 0.5]},
        "weight_decay": {"log": [1e-4, 0.3]},
    }

    channels: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=4096)], ...],
        Meta(description="Channels of each stage.", min_length=1, max_length=10),
    ] = (32, 64)
    convolutions: Annotated[int, Meta(description="Convolutions per stage.", ge=1, le=8)] = 2
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(description="Units of each layer after the convolutions.", max_length=64, examples=[[128]]),
    ] = (128,)
    activation: settings.Activation = "relu"
    dropout: settings.Dropout = 0.2
    bins: settings.Bins = 64
    numeric_width: settings.NumericWidth = 16
    category_width: settings.CategoryWidth = None
    epochs: settings.Epochs = 30
    batch_size: settings.BatchSize = None
    learning_rate: settings.LearningRate = 0.003
    schedule: settings.Schedule = "cosine"
    weight_decay: settings.WeightDecay = 0.01
    clip_norm: settings.ClipNorm = 1.0
    patience: settings.Patience = 8
    time: settings.Time = None
    label_smoothing: settings.LabelSmoothing = 0.0
    class_weight: settings.ClassWeight = None

    def backbone(self, classes: int) -> dict[str, Any]:
        """What stands behind the embeddings, as ``torchkit.backbones`` builds it, and the convolutions."""
        return {
            "kind": "cnn",
            "channels": list(self.channels),
            "convolutions": self.convolutions,
            "hidden": list(self.hidden),
            "activation": self.activation,
            "dropout": self.dropout,
        }

    def batch_memory(self, columns: Schema, rows: int) -> BatchMemory | None:
        """What each convolution answers and what is left of it behind its norm, kept for the gradients."""
        batch, units = settings.batch(self.batch_size, rows), 0
        shapes = [c.shape for c in columns if c.shape is not None and len(c.shape) == 3]
        for height, width, _channels in shapes:
            for channels in self.channels:
                units += 2 * self.convolutions * channels * height * width
                height, width = max(1, height // 2), max(1, width // 2)
        text = " and ".join(f"{height} x {width}" for height, width, _channels in shapes)
        return BatchMemory(
            size=batch * units * 4,
            rows=batch,
            counted=f"convolutions over {text} pixels: {batch:,} rows x {units:,} numbers of 4 bytes",
            instead="a smaller preprocessing.image size, fewer channels, or a smaller batch_size",
        )

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight of the convolutions behind the first and of the layers."""
        weights, width = 0, 2 * self.channels[-1]
        for stage, units in enumerate(self.channels):
            before = self.channels[stage - 1] if stage else 1
            weights += 9 * units * (before + units * (self.convolutions - 1))
        for units in (*self.hidden, settings.outputs(classes)):
            weights += units * (width + 1)
            width = units
        return 4 * weights
