"""Columns along which an answer may only rise, or only fall."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from mlspec.diagnostics import StepError
from mlspec.plugins.model import Features

Monotone = Annotated[
    dict[Annotated[str, Meta(min_length=1)], Literal["increasing", "decreasing"]],
    Meta(
        description="Numeric columns in which the prediction (for two classes: the probability of the positive one) "
        "may only increase, or only decrease.",
        examples=[{"age": "increasing"}],
    ),
]


def directions(monotone: Mapping[str, str], features: Features) -> list[int]:
    """1, -1 or 0 for each feature, numbers first. Raises StepError for a column that is no number among them."""
    for name in monotone:
        if name not in features.numeric_names:
            known = ", ".join(features.numeric_names[:10])
            raise StepError(f"'{name}' is to be monotone, but is no number when the model gets it (numbers: {known})")
    signs = {"increasing": 1, "decreasing": -1}
    numbers = [signs.get(monotone.get(name, ""), 0) for name in features.numeric_names]
    return numbers + [0] * len(features.code_names)
