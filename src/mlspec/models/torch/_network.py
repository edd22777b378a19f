"""What the networks for tables share: how columns go in, and how a network is trained."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from mlspec.plugin import Model, Predictor, Schema, Training

if TYPE_CHECKING:
    from mlspec.torchkit.tabular import Kind


class Network(Model, frozen=True, kw_only=True):
    """A network on columns: numbers as curves, categories as vectors; AdamW, early stopping, checkpoints."""

    tasks: ClassVar[frozenset[str]] = frozenset({"binary_classification", "multiclass_classification", "regression"})
    libraries: ClassVar[tuple[str, ...]] = ("torch", "numpy", "safetensors")
    takes_codes: ClassVar[bool] = True
    uses_device: ClassVar[bool] = True
    pausable: ClassVar[bool] = True
    preparation: ClassVar[Mapping[str, Sequence[Any]]] = {
        "numeric": [{"impute": "median"}],
        "category": [{"encode": "ordinal"}],
        "date": ["date_parts", {"impute": "median"}],
    }

    bins: Annotated[
        int,
        Meta(
            description="Pieces of each number's curve, cut at quantiles of the training rows; 0: numbers go in as "
            "they are, scaled.",
            ge=0,
            le=1024,
        ),
    ] = 64
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
    class_weight: Annotated[
        Literal["balanced"] | None,
        Meta(description="balanced: rare classes weigh as much as common ones; equal rows if left out."),
    ] = None

    def kind(self) -> "Kind":
        """The module of torchkit that builds this kind of network."""
        raise NotImplementedError

    def fit(self, training: Training, folder: Path) -> dict[str, Any]:
        """Train and save weights (safetensors) and shape (JSON); the history holds each epoch's losses."""
        from mlspec.torchkit import tabular

        return tabular.fit(self.kind(), self, training, folder)

    def load(self, folder: Path, device: str) -> Predictor:
        """The fitted network on the device."""
        from mlspec.torchkit import tabular

        return tabular.load(self.kind(), folder, device)


class Embedding(Network, frozen=True, kw_only=True):
    """A network whose columns' vectors have widths of their own and stand side by side."""

    numeric_width: Annotated[
        int, Meta(description="Width of the vector that a number's curve becomes.", ge=1, le=1024)
    ] = 16
    category_width: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(description="Width of a category's vector; by its number of levels if left out."),
    ] = None

    def widths(self, levels: Sequence[int]) -> tuple[int, ...]:
        """The width of each category's vector."""
        return tuple(self.category_width or category_width(count) for count in levels)

    def embedded(self, columns: Schema) -> tuple[int, int]:
        """Weights of the columns' vectors, and the width of all of them, at least: a column whose width or levels only
        fitting tells counts as little as it can."""
        numeric = sum(c.width or 0 for c in columns if c.type != "code")
        levels = [1 if c.levels is None else c.levels for c in columns if c.type == "code"]
        widths = self.widths(levels)
        weights = numeric * (self.bins * (self.numeric_width + 2) + self.numeric_width if self.bins else 2)
        weights += sum(count * width for count, width in zip(levels, widths, strict=True))
        return weights, numeric * (self.numeric_width if self.bins else 1) + sum(widths)


def category_width(levels: int) -> int:
    """The width of a category's vector by its number of levels: 1.6 x levels ** 0.56, at most 64 (as in fastai)."""
    return int(min(64, max(2, round(1.6 * float(levels) ** 0.56))))


def outputs(classes: int) -> int:
    """How many numbers a network answers with: one for a value or for two classes, else one a class."""
    return classes if classes > 2 else 1
