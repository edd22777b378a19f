"""Rows of any columns as numbers, for models that only compare."""

from typing import Any

import numpy as np
import polars as pl

Array = np.ndarray[Any, Any]


def matrix(train: "pl.DataFrame", other: "pl.DataFrame") -> "tuple[Array, Array]":
    """Numbers as they are, all else as codes by frequency in both; float32, missing as NaN."""
    columns = []
    for name in train.columns:
        kind = train.schema[name]
        if kind.is_numeric() or kind == pl.Boolean:
            columns.append([frame[name].cast(pl.Float32).to_numpy() for frame in (train, other)])
        elif kind.is_temporal():
            columns.append([frame[name].to_physical().cast(pl.Float32).to_numpy() for frame in (train, other)])
        else:
            both = pl.concat([train[name], other[name]])
            codes = both.to_frame().select(pl.len().over(name).alias("n"), pl.col(name).rank("dense").alias("code"))
            key = codes.select(pl.struct(-pl.col("n").cast(pl.Int64), "code").rank("dense").cast(pl.Float32))
            coded = key.to_series().to_numpy()
            missing = both.is_null().to_numpy()
            coded = np.where(missing, np.nan, coded).astype(np.float32)
            columns.append([coded[: len(train)], coded[len(train) :]])
    made = [np.stack(side, axis=1) for side in zip(*columns, strict=True)]
    return made[0], made[1]


def known(features: "Array") -> "Array":
    """The features to fit on: a column that is missing in all of these rows is 0, since no bins can be made of it."""
    return np.where(np.isnan(features).all(axis=0), 0.0, features).astype(np.float32)
