"""A residual network."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from msgspec import Meta

from mlspec.plugins.base import Schema
from mlspec.torchkit import settings
from mlspec.torchkit.tabular_model import TabularModel

if TYPE_CHECKING:
    from mlspec.onnxkit.forms import Prepared
    from mlspec.onnxkit.graph import Graph
    from mlspec.torchkit.tabular import Tabular


class Resnet(TabularModel, frozen=True, kw_only=True):
    """A residual network for tables (Gorishniy et al. 2021), on embedded columns as in `torch.mlp`: each block
    normalises its input over the batch and adds to it.

    Why: deeper than a perceptron without being harder to train; worth a try with many rows.

    Example:
        deep: {type: torch.resnet, blocks: 3, units: 192}
    """

    version: ClassVar[int] = 3
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [1e-4, 5e-3]},
        "blocks": {"integer": [1, 4]},
        "units": {"choice": [96, 192, 384]},
        "dropout": {"uniform": [0.0, 0.5]},
        "weight_decay": {"log": [1e-4, 0.3]},
    }

    blocks: Annotated[int, Meta(description="Number of blocks.", ge=1, le=64)] = 2
    units: Annotated[int, Meta(description="Width between blocks.", ge=1, le=65_536)] = 128
    inner: Annotated[int, Meta(description="Width inside a block.", ge=1, le=65_536)] = 256
    dropout: settings.Dropout = 0.2
    residual_dropout: Annotated[float, Meta(description="Dropout of the residual branch of a block.", ge=0, lt=1)] = 0.0
    bins: settings.Bins = 64
    numeric_width: settings.NumericWidth = 16
    category_width: settings.CategoryWidth = None
    epochs: settings.Epochs = 30
    batch_size: settings.BatchSize = None
    learning_rate: settings.LearningRate = 0.001
    schedule: settings.Schedule = "cosine"
    weight_decay: settings.WeightDecay = 0.01
    clip_norm: settings.ClipNorm = 1.0
    patience: settings.Patience = 8
    time: settings.Time = None
    label_smoothing: settings.LabelSmoothing = 0.0
    class_weight: settings.ClassWeight = None

    def backbone(self, classes: int) -> dict[str, Any]:
        """What stands behind the embeddings, as ``torchkit.backbones`` builds it."""
        return {
            "kind": "resnet",
            "blocks": self.blocks,
            "units": self.units,
            "inner": self.inner,
            "dropout": self.dropout,
            "residual_dropout": self.residual_dropout,
        }

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight of embeddings, blocks and norms."""
        weights, width = settings.embedded(columns, self.bins, self.numeric_width, self.category_width)
        weights += self.units * (width + 1) + settings.outputs(classes) * (self.units + 1) + 4 * self.units
        weights += self.blocks * (2 * self.units * self.inner + self.inner + 5 * self.units)
        return 4 * weights

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The layers."""
        from mlspec.torchkit import tabular

        return tabular.to_onnx(cast("Tabular", self), folder, graph, features)
