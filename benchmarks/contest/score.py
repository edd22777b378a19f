"""The one scorer: what all contestants predicted, beside the truth that none of them was given."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score


def label(value: str) -> str:
    """A class as every library writes it: `1` and `1.0`, `True` and `true` are one."""
    return value.strip().lower().removesuffix(".0")


def score(metric: str, truth: Sequence[str], classes: Sequence[str], predictions: Path) -> float:
    """The score of a file of predictions.

    For rmse the file has one column, `prediction`; else a column of probabilities for each class. Its rows are in the
    order of the truth. Raises ValueError for a file that has other rows, other classes, or what is no finite number.
    """
    with predictions.open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines)
    if len(rows) != len(truth):
        raise ValueError(f"{len(rows)} predictions for {len(truth)} rows")
    values = np.array(rows, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("a prediction is not a finite number")
    if metric == "rmse":
        return math.sqrt(np.mean((values[:, header.index("prediction")] - np.array(truth, dtype=float)) ** 2))
    order, found = [label(one) for one in classes], [label(one) for one in header]
    if sorted(found) != sorted(order):
        raise ValueError(f"predicted classes {header}, known are {list(classes)}")
    chances = np.clip(values[:, [found.index(one) for one in order]], 1e-15, None)
    chances /= chances.sum(axis=1, keepdims=True)
    answers = np.array([order.index(label(one)) for one in truth])
    if metric == "roc_auc":
        return float(roc_auc_score(answers, chances[:, 1]))
    return float(log_loss(answers, chances, labels=range(len(order))))
