"""Columns whose effect has one direction, as the boosting libraries take them."""

from collections.abc import Mapping

from mlspec.diagnostics import StepError
from mlspec.plugin import Features

SIGNS = {"increasing": 1, "decreasing": -1}


def signs(monotone: Mapping[str, str], features: Features) -> list[int]:
    """1, -1 or 0 for each number, then 0 for each code. Raises StepError for a column that is no prepared number."""
    for name in monotone:
        if name not in features.numeric_names:
            raise StepError(f"`monotone` names '{name}', which is no number after its preparation")
    return [SIGNS[monotone[n]] if n in monotone else 0 for n in features.numeric_names] + [0] * len(features.levels)
