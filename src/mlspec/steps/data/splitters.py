"""Ways to split that look at more than the order of rows: by a keyed hash, whole groups with even shares, and time with
a gap."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from mlspec.diagnostics import StepError

Array = np.ndarray[Any, Any]

MOST_STRATA = 20  # a number with more values is cut at its tenths
LEFT_OUT = -1


def placed(column: "pl.Series") -> None:
    """Raises StepError where a value is missing: such a row has no place."""
    missing = column.null_count() + (int(column.is_nan().sum()) if column.dtype.is_float() else 0)
    if missing:
        raise StepError(f"'{column.name}' is missing in {missing:,} rows, they have no place in the split")


def by_hash(column: "pl.Series", test: float, validation: float, seed: int) -> "Array":
    """The part of each row (0 train, 1 validation, 2 test), int8 (n,), from its value and the seed alone.

    A BLAKE2b digest keyed with the seed is read as a number from 0 to 1: below ``test`` it is a test row. So rows that
    are added or reordered move no other row, and a greater share takes rows in and gives none away. Each distinct value
    is hashed once. Raises StepError for missing values.
    """
    placed(column)
    values, codes = _coded(column)
    key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest() for text in values)
    # 53 bits: what a float64 holds without rounding, so that 1 is never reached.
    shares = (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)) / 2**53
    parts = np.where(shares < test, 2, np.where(shares < test + validation, 1, 0)).astype(np.int8)
    found: Array = pl.Series(parts).gather(codes).to_numpy()
    return found


def _coded(column: "pl.Series") -> "tuple[list[str], Array]":
    """The distinct values as text, and which of them each row has. Integers are written equally in every type."""
    text = column
    if column.dtype.is_float():
        whole = (column == column.round()) & (column.abs() < 2**63)
        text = pl.select(
            pl.when(whole).then(column.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(column.cast(pl.String))
        ).to_series()
    distinct = (
        text.cast(pl.String).alias("value").to_frame().unique("value", maintain_order=True).with_row_index("code")
    )
    joined = (
        text.cast(pl.String).alias("value").to_frame().join(distinct, on="value", how="left", maintain_order="left")
    )
    return distinct["value"].to_list(), joined["code"].to_numpy()


def strata(column: "pl.Series") -> "Array":
    """The stratum of each row (n,), counted from 0: its value, or the tenth that a number of many values is in."""
    if column.dtype.is_numeric() and column.n_unique() > MOST_STRATA:
        known = column.cast(pl.Float64).to_numpy()
        edges = np.unique(np.nanquantile(known, np.linspace(0, 1, 11)[1:-1]))
        return np.where(np.isnan(known), len(edges) + 1, np.searchsorted(edges, known, side="right"))
    ranks: Array = column.cast(pl.String).rank("dense").fill_null(0).to_numpy().astype(np.int64)
    return np.unique(ranks, return_inverse=True)[1]


def even_groups(
    groups: "Sequence[Array]", strata: "Array", shares: Sequence[float], random: "np.random.Generator"
) -> "Array":
    """The part of each row, int64 (n,): whole groups, every part with about its share of rows of each stratum.

    The greatest groups come first, in random order among equals; each goes where the chi-squared distance of the counts
    from what the shares promise grows least (scikit-learn's StratifiedGroupKFold goes by the deviation of equal shares
    in the same way). Shares are of rows, however many groups that takes.
    """
    count = int(strata.max(initial=0)) + 1
    wanted = np.outer(shares, np.bincount(strata, minlength=count))
    weight = np.divide(1.0, wanted, out=np.zeros_like(wanted), where=wanted > 0)
    filled = np.zeros_like(wanted)
    order = random.permutation(len(groups))
    sizes = np.array([len(groups[index]) for index in order])
    open_to = np.asarray(shares) > 0
    parts = np.zeros(len(strata), dtype=np.int64)
    for index in order[np.argsort(-sizes, kind="stable")]:
        own = np.bincount(strata[groups[index]], minlength=count)
        grows = ((2 * filled + own) * own * weight).sum(axis=1)
        part = int(np.where(open_to, grows, math.inf).argmin())
        filled[part] += own
        parts[groups[index]] = part
    return parts


def moments(column: "pl.Series") -> "tuple[Array, float]":
    """When each row is, as numbers, and how many of them make a unit of the gap: a second of dates, 1 of numbers."""
    placed(column)
    if column.dtype.is_temporal():
        return column.cast(pl.Datetime("us")).to_physical().to_numpy(), 1e6
    return column.to_numpy().astype(np.float64), 1.0


def apart(column: "pl.Series", parts: "Array", gap: float) -> "Array":
    """Parts of a split by time without the rows less than ``gap`` before the first of a later part (``LEFT_OUT``)."""
    found, unit = moments(column)
    kept = parts.copy()
    later = np.inf
    for part in (2, 1, 0):
        mine = parts == part
        kept[mine & (found > later - gap * unit)] = LEFT_OUT
        if mine.any():
            later = float(found[mine].min())
    return kept
