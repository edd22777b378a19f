"""An ensemble of perceptrons that share their weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from msgspec import Meta

from mlspec.plugins.base import Schema
from mlspec.plugins.model import Model, Predictor, Training
from mlspec.torchkit import settings

if TYPE_CHECKING:
    from mlspec.torchkit.loop import Trainable


class Tabm(Model, frozen=True, kw_only=True):
    """An ensemble of perceptrons that share nearly all of their weights and learn side by side (TabM, Gorishniy et al.
    2024), on embedded columns as in `torch.mlp`; the answer is the mean of the members'.

    Why: the gain of an ensemble of networks for little more than the size of one; in the paper it is the best of the
    networks for tables. Each step takes about `members` times the time of a perceptron's.

    Example:
        tabm: {type: torch.tabm, members: 8, hidden: [128, 128]}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "safetensors")
    takes_codes: ClassVar[bool] = True
    uses_device: ClassVar[bool] = True
    pausable: ClassVar[bool] = True
    may_be_network: ClassVar[bool] = True
    continues: ClassVar[bool] = True
    holds: ClassVar[float] = 0.0
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = settings.PREPARATION
    space: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "learning_rate": {"log": [2e-4, 1e-2]},
        "dropout": {"uniform": [0.0, 0.5]},
        "hidden": {"choice": [[128], [128, 128], [256, 128], [256, 256]]},
        "weight_decay": {"log": [1e-4, 0.3]},
        "bins": {"choice": [16, 32, 64]},
    }

    members: Annotated[int, Meta(description="How many perceptrons.", ge=2, le=128)] = 8
    hidden: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65_536)], ...],
        Meta(description="Units of each hidden layer.", min_length=1, max_length=64, examples=[[128, 128]]),
    ] = (128, 128)
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
    class_weight: settings.ClassWeight = None
    private: settings.PrivateTraining = None

    def secret(self) -> str:
        """The variable of the noise's key."""
        return "" if self.private is None else self.private.key

    def backbone(self) -> dict[str, Any]:
        """What stands behind the embeddings, as ``torchkit.backbones`` builds it."""
        return {
            "kind": "tabm",
            "members": self.members,
            "hidden": list(self.hidden),
            "activation": self.activation,
            "dropout": self.dropout,
        }

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Train and save weights (safetensors) and shape (JSON); the history holds each epoch's losses."""
        from mlspec.torchkit import tabular

        return tabular.fit(self, training, folder)

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted network on the device."""
        from mlspec.torchkit import tabular

        return tabular.load(self, folder, device)

    def network(self, training: Training) -> "Trainable":
        """The untrained network with its rows."""
        from mlspec.torchkit import tabular

        return tabular.untrained(self, training)

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight of embeddings, shared layers, scales and heads."""
        weights, width = settings.embedded(columns, self.bins, self.numeric_width, self.category_width)
        for units in self.hidden:
            weights += units * width + self.members * (width + 2 * units)
            width = units
        return 4 * (weights + self.members * settings.outputs(classes) * (width + 1))
