"""The rows of a candidate that is fitted on some of them alone (``rows``): which they are, and what is said of it."""

from typing import Any

import numpy as np
import polars as pl

from mlspec.plugins.base import State
from mlspec.steps.data import parquet, preparation

Array = np.ndarray[Any, Any]


def chosen(frame: "pl.LazyFrame", state: State, most: int | None) -> "pl.LazyFrame":
    """Prepared rows, or so many of them where there are more: in memory then, in their order."""
    rows = where(frame, state, most)
    return frame if rows is None else parquet.some(frame, rows).lazy()


def where(frame: "pl.LazyFrame", state: State, most: int | None) -> "Array | None":
    """At which places those rows are; None where it is all."""
    if most is None or parquet.count(frame) <= most:
        return None
    target = preparation.target(frame.select(preparation.TARGET).collect(), state)
    return places(target, state["target"]["classes"] is not None, most)


def places(target: "Array", is_classes: bool, most: int) -> "Array":
    """At which places (rising) the rows are that are chosen by lot: of each class the same share, and at least one; the
    same for the same targets."""
    lot = np.random.Generator(np.random.PCG64(0))
    if not is_classes:
        return np.sort(lot.permutation(len(target))[:most])
    counts = np.bincount(target)
    shares = counts * (most / len(target))
    given = np.minimum(counts, np.maximum(np.floor(shares), 1)).astype(np.int64)
    # What rounding leaves over goes to the classes that it has taken most from; what the rarest got, the largest gives.
    for code in np.argsort(given - shares, kind="stable")[: max(0, most - int(given.sum()))]:
        given[code] += given[code] < counts[code]
    while given.sum() > max(most, np.count_nonzero(counts)):
        given[given.argmax()] -= 1
    of_class = (np.flatnonzero(target == code) for code in range(len(counts)))
    return np.sort(
        np.concatenate([rows[lot.permutation(len(rows))[:k]] for rows, k in zip(of_class, given, strict=True)])
    )


def said(history: dict[str, Any], rows: int, most: int | None) -> dict[str, Any]:
    """The history of a fit, with a warning where it was on some of ``rows`` rows."""
    if most is None or rows <= most:
        return history
    warning = f"fitted on {most:,} of {rows:,} training rows, drawn by lot, as its `rows` says"
    return {**history, "warnings": [*history.get("warnings", ()), warning]}
