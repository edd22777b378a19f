"""What is computed of a network's numbers before it is trained: whether all are there, moments, quantiles.

A table that is in files is looked at a piece at a time. Of processes that have a share of the rows each, each looks at
its own, and what they find together is what one process finds, to the last bit.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from mlspec.diagnostics import StepError
from mlspec.plugins.model import Features
from mlspec.torchkit import shares, together

Array = np.ndarray[Any, Any]

LOOKED_AT = 500_000  # rows that quantiles are taken of
PIECE = 64 * 1024 * 1024  # bytes of rows that are looked at together


def check(features: Features) -> None:
    """Raises StepError where a number is missing or infinite."""
    bad = np.zeros(features.numeric.shape[1])
    size = _piece(features.numeric.shape[1])
    for start in range(0, len(features.numeric), size):
        piece = features.numeric[start : start + size]
        if piece.size and not np.isfinite(piece.sum()):
            bad += ~np.isfinite(piece).all(axis=0)
        features.forget()
    found = zip(features.numeric_names, _added(features, bad), strict=True)
    names = ", ".join(f"'{name}'" for name, is_bad in found if is_bad)
    if names:
        raise StepError(f"a network takes no missing or infinite numbers, but there are some in {names}: impute them")


def moments(features: Features) -> tuple[Array, Array]:
    """Mean and standard deviation of each column, float64 (columns,)."""
    rows, count = features.numeric, features.count
    if count * rows.shape[1] * rows.itemsize <= PIECE:
        rows = _whole(features, rows, shares.lengths(features.shares, 0, count))
        return rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    mean, squares = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for summed in _sums(features, lambda piece: piece.sum(axis=0, dtype=np.float64)):
        mean += summed / count
    for summed in _sums(features, lambda piece: ((piece - mean) ** 2).sum(axis=0)):
        squares += summed
    return mean, np.sqrt(squares / count)


def quantile_edges(features: Features, bins: int) -> Array:
    """Edges (columns, bins + 1) at quantiles of each column, the last one repeated where there are fewer.

    Where many rows share a value, what its quantiles leave over is spent on the quantiles of the distinct values.
    """
    columns = features.numeric.shape[1]
    step = max(1, features.count // LOOKED_AT)
    looked_at = features.numeric[-features.first % step :: step]
    lengths = shares.lengths(features.shares, 0, features.count, step)
    edges = np.empty((columns, bins + 1), np.float32)
    places = np.linspace(0, 1, bins + 1)
    at_once = max(1, PIECE // (4 * max(1, -(-features.count // step))))
    for column in range(columns):
        if column % at_once == 0:
            # Some columns at a time: a row that is in a file is read once for all of them.
            some = np.asfortranarray(_whole(features, looked_at[:, column : column + at_once], lengths))
            features.forget()
        values = np.sort(some[:, column % at_once])
        distinct = np.unique(values)
        if len(distinct) > bins + 1:
            chosen = np.unique(_at(values, places))
            rest = np.setdiff1d(distinct, chosen)
            left = bins + 1 - len(chosen)
            if left and len(rest):
                chosen = np.union1d(chosen, _at(rest, np.linspace(0, 1, left)))
            distinct = chosen
        edges[column] = np.concatenate([distinct, np.repeat(distinct[-1:], bins + 1 - len(distinct))])
    return edges


def _at(values: Array, places: Array) -> Array:
    return np.asarray(values[np.rint(places * (len(values) - 1)).astype(np.int64)])


def _sums(features: Features, of: Callable[[Array], Array]) -> Array:
    """The sums of each piece of the rows, (pieces, columns); where a piece is of several processes, all have it."""
    count, columns = features.count, features.numeric.shape[1]
    size = _piece(columns)
    found = np.zeros((-(-count // size), columns))
    for number, start in enumerate(range(0, count, size)):
        stop = min(count, start + size)
        lengths = shares.lengths(features.shares, start, stop)
        piece = features.numeric[max(0, start - features.first) : max(0, stop - features.first)]
        if lengths and max(lengths) < stop - start:
            piece = _whole(features, piece, lengths)
        if len(piece) and features.first <= start < features.first + len(features.numeric):
            found[number] = of(piece)
        features.forget()
    return _added(features, found)


def _piece(columns: int) -> int:
    """How many rows are looked at together."""
    return max(1, PIECE // (16 * max(1, columns)))


def _added(features: Features, own: Array) -> Array:
    """The sum of what all processes have."""
    share = together.share() if features.shares else None
    return own if share is None else np.asarray(share.add(torch.from_numpy(own).to(together.place())).cpu().numpy())


def _whole(features: Features, own: Array, lengths: Sequence[int]) -> Array:
    """The rows of all processes, so many of each."""
    share = together.share() if features.shares else None
    if share is None:
        return own
    return np.asarray(share.gathered(torch.from_numpy(np.ascontiguousarray(own)), lengths).numpy())
