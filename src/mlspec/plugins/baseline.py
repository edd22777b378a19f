"""What a baseline is: what a model must beat."""

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from mlspec.plugins.base import Plugin

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


class BaselineRows(msgspec.Struct, frozen=True):
    """What a baseline looks at: the columns that it asks for of training and test rows, and the training rows' target.

    ``target`` holds class codes (int64) or values (float64); ``classes`` is 0 for regression.
    """

    train: "pl.DataFrame"
    test: "pl.DataFrame"
    target: "np.ndarray[Any, Any]"
    classes: int


class Baseline(Plugin, frozen=True, kw_only=True):
    """What a model is compared with. ``predicts``: it answers the test rows; else it is a figure that is stated."""

    tasks: ClassVar[frozenset[str]] = frozenset()
    predicts: ClassVar[bool] = True

    def columns(self) -> tuple[str, ...]:
        """The raw columns that it looks at, the target aside."""
        return ()

    def mistake(self) -> str:
        """What is wrong with the settings taken together, and the way out; empty where nothing is."""
        return ""

    def predict(self, rows: BaselineRows) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]":
        """Class probabilities (n, classes) or values (n,) of the test rows; and decisions (n, classes), 1 for the
        predicted class, if they are not the most probable class."""
        raise TypeError(f"{type(self).__name__} predicts nothing")
