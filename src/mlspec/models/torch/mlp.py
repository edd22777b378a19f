"""A multilayer perceptron."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugin import Model, Predictor, Schema, Training

if TYPE_CHECKING:
    from mlspec.torchkit.loop import Trainable


class Mlp(Model, frozen=True, kw_only=True):
    """A multilayer perceptron on embedded columns: each category has a learned vector, each number a learned
    piecewise-linear curve over the quantiles of the training rows (Gorishniy et al. 2022).

    Trained with AdamW; the weights of the epoch with the least validation loss are kept. A killed training goes on from
    its last checkpoint and ends with the same weights.

    Why: with many rows, wide categories or a GPU at hand a network is worth having in the race; the embeddings spare it
    the hand-made scaling and crossing of columns.

    Example:
        mlp: {type: torch.mlp, hidden: [256, 128], dropout: 0.2, epochs: 30}
    """

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "safetensors")
    takes_codes: ClassVar[bool] = True
    uses_device: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [{"impute": "median"}],
        "category": [{"encode": "ordinal"}],
        "date": ["date_parts", {"impute": "median"}],
    }

    pausable: ClassVar[bool] = True
    may_be_network: ClassVar[bool] = True
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
    bins: Annotated[
        int,
        Meta(
            description="Pieces of each number's curve, cut at quantiles of the training rows; 0: numbers go in as "
            "they are, scaled.",
            ge=0,
            le=1024,
        ),
    ] = 64
    numeric_width: Annotated[
        int, Meta(description="Width of the vector that a number's curve becomes.", ge=1, le=1024)
    ] = 16
    category_width: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(description="Width of a category's vector; by its number of levels if left out."),
    ] = None
    epochs: Annotated[int, Meta(description="Passes over the training rows at most.", ge=1, le=100_000)] = 30
    batch_size: Annotated[
        Annotated[int, Meta(ge=1, le=10_000_000)] | None,
        Meta(description="Rows in one step; by the number of training rows, from 16 to 512, if left out."),
    ] = None
    learning_rate: Annotated[float, Meta(description="The highest learning rate.", gt=0, le=10)] = 0.002
    schedule: Annotated[
        Literal["cosine", "constant"],
        Meta(description="cosine: after a short warm-up the rate falls to nothing; constant: it stays."),
    ] = "cosine"
    weight_decay: Annotated[float, Meta(description="AdamW's decay of the weights.", ge=0)] = 0.01
    clip_norm: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="The gradient is cut to this norm; null: never.")
    ] = 1.0
    patience: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Epochs without a better validation loss before stopping; null: never stop early."),
    ] = 8

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Train and save weights (safetensors) and shape (JSON); the history holds each epoch's losses."""
        from mlspec.torchkit import tabular

        return tabular.fit(self, training, folder)

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted network on the device."""
        from mlspec.torchkit import tabular

        return tabular.load(folder, device)

    def network(self, training: Training) -> "Trainable":
        """The untrained network with its rows."""
        from mlspec.torchkit import device, tabular

        with device.seeded(training.seed, device.find(training.device), training.threads):
            return tabular.trainable(self, training, tabular.shape(self, training))

    def least_bytes(self, columns: Schema, classes: int) -> int | None:
        """Four bytes for each weight; a column whose width or levels only fitting tells counts as little as it can."""
        numeric = sum(c.width or 0 for c in columns if c.type != "code")
        levels = [1 if c.levels is None else c.levels for c in columns if c.type == "code"]
        weights = numeric * (self.bins * (self.numeric_width + 2) + self.numeric_width if self.bins else 2)
        width = numeric * (self.numeric_width if self.bins else 1)
        for count in levels:
            vector = category_width(count) if self.category_width is None else self.category_width
            weights += count * vector
            width += vector
        for units in (*self.hidden, max(classes, 1) if classes != 2 else 1):
            weights += units * (width + 1)
            width = units
        return 4 * weights


def category_width(levels: int) -> int:
    """The width of a category's vector by its number of levels: 1.6 x levels ** 0.56, at most 64 (as in fastai)."""
    return int(min(64, max(2, round(1.6 * float(levels) ** 0.56))))
