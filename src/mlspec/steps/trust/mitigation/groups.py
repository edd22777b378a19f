"""The group of a row, and the weights that make group and target look independent."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from mlspec.steps.results import GROUP

Array = np.ndarray[Any, Any]

MISSING = "missing"


def label(columns: Sequence[str]) -> "pl.Expr":
    """The group of each row as text: its values, with commas between those of several columns."""
    cells = [pl.col(name).cast(pl.String).fill_null(MISSING) for name in columns]
    return pl.concat_str(cells, separator=", ").alias(GROUP)


def factors(groups: "Array", target: "Array", weights: "Array | None" = None) -> dict[str, list[float]]:
    """By group, the factor of each class's rows: P(group) P(class) / P(group, class), over rows with their weights.

    Reweighing (Kamiran and Calders 2012): in rows that are weighted so, group and class are independent. A class that a
    group doesn't have keeps the factor 1.
    """
    mass = np.ones(len(target)) if weights is None else weights
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    classes = int(target.max()) + 1
    joint = np.zeros((len(names), classes))
    np.add.at(joint, (codes, target), mass)
    joint /= joint.sum()
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    found = np.divide(independent, joint, out=np.ones_like(joint), where=joint > 0)
    return {str(name): [float(value) for value in own] for name, own in zip(names, found, strict=True)}


def factor(found: Mapping[str, Sequence[float]], group: "pl.Expr", target: "pl.Expr") -> "pl.Expr":
    """The factor of each row, from its group and its class's code; 1 where the training rows had neither."""
    expression = pl.lit(1.0)
    for name, own in found.items():
        for code, value in enumerate(own):
            expression = pl.when((group == name) & (target == code)).then(value).otherwise(expression)
    return expression
