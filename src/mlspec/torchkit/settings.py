"""What the networks for tables have in common: the keys of their training, and the size of their embeddings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta, Struct

from mlspec.plugins.base import Schema

PREPARATION: Mapping[str, Sequence[Any]] = {
    "numeric": [{"impute": "median"}],
    "category": [{"encode": "ordinal"}],
    "date": ["date_parts", {"impute": "median"}],
}

Activation = Annotated[Literal["relu", "gelu", "silu"], Meta(description="The activation function between layers.")]
Dropout = Annotated[
    float, Meta(description="Share of hidden units that are dropped at random in training.", ge=0, lt=1)
]
Bins = Annotated[
    int,
    Meta(
        description="Pieces of each number's piecewise linear encoding, cut at quantiles of the training rows; 0: "
        "scaled numbers are used directly.",
        ge=0,
        le=1024,
    ),
]
NumericWidth = Annotated[int, Meta(description="Size of the embedding of a number.", ge=1, le=1024)]
CategoryWidth = Annotated[
    Annotated[int, Meta(ge=1, le=1024)] | None,
    Meta(description="Size of the embedding of a category; from its number of levels if left out."),
]
Epochs = Annotated[int, Meta(description="Maximum number of passes over the training rows.", ge=1, le=100_000)]
BatchSize = Annotated[
    Annotated[int, Meta(ge=1, le=10_000_000)] | None,
    Meta(description="Batch size; from 16 to 512, by the number of training rows, if left out."),
]
LearningRate = Annotated[float, Meta(description="The highest learning rate.", gt=0, le=10)]
Schedule = Annotated[
    Literal["cosine", "constant"],
    Meta(description="cosine: after a short warm-up the learning rate falls to zero; constant: it does not change."),
]
WeightDecay = Annotated[float, Meta(description="Weight decay of AdamW.", ge=0)]
ClipNorm = Annotated[
    Annotated[float, Meta(gt=0)] | None, Meta(description="The gradient is clipped to this norm; null: never.")
]
Patience = Annotated[
    Annotated[int, Meta(ge=1)] | None,
    Meta(description="Epochs without a better validation loss before stopping; null: never stop early."),
]
Time = Annotated[
    float | None,
    Meta(
        description="Training ends after about this time, with the learning rate decreasing until then; the best "
        "epoch so far counts. The number of epochs then depends on the machine.",
        extra={"unit": "duration"},
        examples=["2m"],
    ),
]
LabelSmoothing = Annotated[
    float,
    Meta(
        description="Share of each training label that is spread over all classes: less confident probabilities, for "
        "noisy labels; without effect in regression.",
        ge=0,
        lt=1,
    ),
]
ClassWeight = Annotated[
    Literal["balanced"] | None,
    Meta(description="balanced: rare classes weigh as much as common ones; all rows weigh the same if left out."),
]


class Private(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Differential-privacy budget."""

    epsilon: Annotated[float, Meta(description="The privacy budget: smaller is more private; 1 to 8 are usual.", gt=0)]
    delta: Annotated[
        float,
        Meta(
            description="The probability that the guarantee does not hold; it should be well below one divided by "
            "the number of rows.",
            gt=0,
            lt=1,
        ),
    ]
    clip: Annotated[float, Meta(description="The norm to which each row's gradient is clipped.", gt=0)] = 1.0
    key: Annotated[
        str,
        Meta(
            description="The environment variable with the key of the noise, of at least 16 characters: anyone who "
            "knows the noise can remove it.",
            pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        ),
    ]


PrivateTraining = Annotated[
    Private | None,
    Meta(
        description="Train by DP-SGD (Abadi and others 2016): what the weights reveal about any single training row "
        "stays within a stated budget. Its clipping replaces `clip_norm`.",
        examples=[{"epsilon": 3, "delta": 1e-5, "key": "NOISE_KEY"}],
    ),
]


def category_width(levels: int) -> int:
    """The width of a category's vector by its number of levels: 1.6 x levels ** 0.56, at most 64 (as in fastai)."""
    return int(min(64, max(2, round(1.6 * float(levels) ** 0.56))))


def embedded(columns: Schema, bins: int, numeric_width: int, fixed: int | None) -> tuple[int, int]:
    """The least weights of the embeddings of these columns, and their width together.

    A column whose width or levels are known only after fitting counts as its minimum.
    """
    numeric = numbers(columns)
    levels = [1 if c.levels is None else c.levels for c in columns if c.type == "code"]
    weights = numeric * (bins * (numeric_width + 2) + numeric_width if bins else 2)
    width = numeric * (numeric_width if bins else 1)
    for count in levels:
        vector = category_width(count) if fixed is None else fixed
        weights += count * vector
        width += vector
    return weights, width


def batch(stated: int | None, rows: int) -> int:
    """The rows in one step of training: as stated, or a power of two, about 64 steps an epoch, from 16 to 512."""
    return min(stated or min(512, max(16, 1 << (rows // 64).bit_length())), rows)


def numbers(columns: Schema) -> int:
    """How many numbers represent a row at least: a column whose width is known only after fitting counts as 0."""
    return sum(c.width or 0 for c in columns if c.type != "code")


def outputs(classes: int) -> int:
    """How many numbers a network answers with."""
    return max(classes, 1) if classes != 2 else 1


class About(Struct, frozen=True, kw_only=True):
    """What is kept of a fitted class: where it is, what it was built with, and for a network its scale."""

    code: str
    params: dict[str, Any]
    module: bool
    inputs: int
    classes: int
    centre: float = 0.0
    spread: float = 1.0


class ModuleSettings(Protocol):
    """How a network of the user's own is trained."""

    @property
    def epochs(self) -> int:
        """Epochs at most."""

    @property
    def batch_size(self) -> int | None:
        """Rows in one step."""

    @property
    def learning_rate(self) -> float:
        """The highest learning rate."""

    @property
    def weight_decay(self) -> float:
        """Decay of the weights."""

    @property
    def patience(self) -> int | None:
        """Epochs without a better validation loss before stopping."""
