"""An ensemble of perceptrons that share their weights."""

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


class Tabm(TabularModel, frozen=True, kw_only=True):
    """An ensemble of perceptrons that share nearly all of their weights and train in parallel (TabM, Gorishniy et al.
    2024), on embedded columns as in `torch.mlp`; the prediction is the mean of the members' predictions.

    Why: the gain of an ensemble of networks for little more than the size of one; in the paper it is the best network
    for tables. Each step takes about `members` times as long as for a perceptron.

    Example:
        tabm: {type: torch.tabm, members: 8, hidden: [128, 128]}
    """

    version: ClassVar[int] = 4
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [2e-4, 1e-2]},
        "dropout": {"uniform": [0.0, 0.5]},
        "hidden": {"choice": [[128], [128, 128], [256, 128], [256, 256]]},
        "weight_decay": {"log": [1e-4, 0.3]},
        "bins": {"choice": [16, 32, 64]},
    }

    members: Annotated[int, Meta(description="Number of perceptrons.", ge=2, le=128)] = 8
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(description="Units of each hidden layer.", min_length=1, max_length=64, examples=[[128, 128]]),
    ] = (128, 128)
    activation: settings.Activation = "relu"
    dropout: Annotated[
        Annotated[float, Meta(ge=0, lt=1)] | None,
        Meta(
            description="Share of hidden units that are dropped at random in training; if left out, 0.1 for classes "
            "and none for regression, which it makes less accurate."
        ),
    ] = None
    bins: settings.Bins = 64
    numeric_width: settings.NumericWidth = 16
    category_width: settings.CategoryWidth = None
    epochs: settings.Epochs = 60
    batch_size: settings.BatchSize = None
    learning_rate: settings.LearningRate = 0.002
    schedule: settings.Schedule = "cosine"
    weight_decay: settings.WeightDecay = 0.01
    clip_norm: settings.ClipNorm = 1.0
    patience: settings.Patience = 16
    time: settings.Time = None
    label_smoothing: settings.LabelSmoothing = 0.0
    class_weight: settings.ClassWeight = None
    private: settings.PrivateTraining = None

    def backbone(self, classes: int) -> dict[str, Any]:
        """What stands behind the embeddings, as ``torchkit.backbones`` builds it."""
        return {
            "kind": "tabm",
            "members": self.members,
            "hidden": list(self.hidden),
            "activation": self.activation,
            "dropout": (0.1 if classes else 0.0) if self.dropout is None else self.dropout,
        }

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight of embeddings, shared layers, scales and heads."""
        weights, width = settings.embedded(columns, self.bins, self.numeric_width, self.category_width)
        for units in self.hidden:
            weights += units * width + self.members * (width + 2 * units)
            width = units
        return 4 * (weights + self.members * settings.outputs(classes) * (width + 1))

    def to_onnx(self, folder: Path, graph: "Graph", features: "Prepared", classes: int) -> str:
        """The layers."""
        from mlspec.torchkit import tabular

        return tabular.to_onnx(cast("Tabular", self), folder, graph, features)
