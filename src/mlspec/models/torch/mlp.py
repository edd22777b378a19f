"""A multilayer perceptron."""

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


class Mlp(TabularModel, frozen=True, kw_only=True):
    """A multilayer perceptron on embedded columns: each category has an embedding, each number a piecewise linear
    encoding over the quantiles of the training rows (Gorishniy et al. 2022).

    Trained with AdamW; the weights of the epoch with the lowest validation loss are kept. An interrupted training
    continues from its last checkpoint and ends with the same weights.

    Why: with many rows, categories with many levels, or a GPU, a network is a good candidate; the embeddings replace
    manual scaling and crossing of columns.

    Example:
        mlp: {type: torch.mlp, hidden: [256, 128], dropout: 0.2, epochs: 30}
    """

    version: ClassVar[int] = 2
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
    activation: settings.Activation = "relu"
    dropout: settings.Dropout = 0.1
    bins: settings.Bins = 64
    numeric_width: settings.NumericWidth = 16
    category_width: settings.CategoryWidth = None
    epochs: settings.Epochs = 30
    batch_size: settings.BatchSize = None
    learning_rate: settings.LearningRate = 0.002
    schedule: settings.Schedule = "cosine"
    weight_decay: settings.WeightDecay = 0.01
    clip_norm: settings.ClipNorm = 1.0
    patience: settings.Patience = 8
    time: settings.Time = None
    label_smoothing: settings.LabelSmoothing = 0.0
    class_weight: settings.ClassWeight = None
    private: settings.PrivateTraining = None

    def backbone(self, classes: int) -> dict[str, Any]:
        """What stands behind the embeddings, as ``torchkit.backbones`` builds it."""
        return {
            "kind": "mlp",
            "hidden": list(self.hidden),
            "activation": self.activation,
            "dropout": self.dropout,
        }

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight; a column whose width or levels are known only after fitting counts as its
        minimum."""
        weights, width = settings.embedded(columns, self.bins, self.numeric_width, self.category_width)
        for units in (*self.hidden, settings.outputs(classes)):
            weights += units * (width + 1)
            width = units
        return 4 * weights

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The layers."""
        from mlspec.torchkit import tabular

        return tabular.to_onnx(cast("Tabular", self), folder, graph, features)
