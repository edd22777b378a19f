"""Prepared rows as what a model is fitted with."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.engine import preparation
from mlspec.plugin import State, Training

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def training(train: Path | str, validation: Path | str, state: State, **rest: Any) -> Training:
    """The rows of two prepared tables with their targets and weights; ``rest`` is what ``Training`` has besides."""
    import polars as pl

    rows, watched = pl.read_parquet(train), pl.read_parquet(validation)
    classes = state["target"]["classes"]
    return Training(
        features=preparation.features(rows, state),
        target=preparation.learned(preparation.target(rows, state), state),
        validation=preparation.features(watched, state),
        validation_target=preparation.learned(preparation.target(watched, state), state),
        classes=0 if classes is None else len(classes),
        weights=_weights(rows),
        validation_weights=_weights(watched),
        **rest,
    )


def _weights(rows: "pl.DataFrame") -> "np.ndarray[Any, Any] | None":
    """The rows' weights, 1 on average, so that a penalty means the same whatever they are counted in."""
    if preparation.WEIGHT not in rows.columns or not rows.height:
        return None
    weights = rows[preparation.WEIGHT].to_numpy()
    found: np.ndarray[Any, Any] = weights / weights.mean()
    return found
