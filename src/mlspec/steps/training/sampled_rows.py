"""The rows of a candidate that is fitted on some of them alone (``rows``): which they are, and what is said of it."""

from typing import Any

import numpy as np
import polars as pl

from mlspec.plugins.base import State
from mlspec.steps.data import parquet, preparation

Array = np.ndarray[Any, Any]


def chosen(frame: "pl.LazyFrame", state: State, most: int | None) -> "pl.LazyFrame":
    """Prepared rows, or so many of them where there are more: in memory then, in their order."""
    if most is None or parquet.count(frame) <= most:
        return frame
    target = preparation.target(frame.select(preparation.TARGET).collect(), state)
    return parquet.some(frame, places(target, state["target"]["classes"] is not None, most)).lazy()


def places(target: "Array", is_classes: bool, most: int) -> "Array":
    """At which places (rising) the rows are that are chosen by lot: of each class the same share, and at least one; the
    same for the same targets."""
    lot = np.random.Generator(np.random.PCG64(0)).permutation(len(target))
    if not is_classes:
        return np.sort(lot[:most])
    counts = np.bincount(target)
    shares = counts * (most / len(target))
    given = np.minimum(counts, np.maximum(np.floor(shares), counts > 0)).astype(np.int64)
    # What rounding leaves goes to the classes that it has taken most from; what the smallest got more, the largest give.
    for index in np.argsort(given - shares, kind="stable")[: max(0, most - int(given.sum()))]:
        given[index] += given[index] < counts[index]
    while given.sum() > max(most, np.count_nonzero(counts)):
        given[given.argmax()] -= 1
    codes = target[lot]
    order = np.argsort(codes, kind="stable")
    within = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(lot[order[within < np.repeat(given, counts)]])


def said(history: dict[str, Any], rows: int, most: int | None) -> dict[str, Any]:
    """The history of a fit, with a warning where it was on some of ``rows`` rows."""
    if most is None or rows <= most:
        return history
    warning = f"fitted on {most:,} of {rows:,} training rows, drawn by lot, as its `rows` says"
    return {**history, "warnings": [*history.get("warnings", ()), warning]}
