"""Metrics with their intervals, as the number of rows grows: CPU seconds, beside one sort of the rows by hand.

    python benchmarks/intervals.py [--rows 100000 1000000 10000000]

"Ours" is a metric of a model with its 95 % interval, the same of a baseline, and the interval of their difference.
"By hand" is an area under the ROC curve with DeLong's variance for both, by one sort each.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, cast

import numpy as np

from mlspec import registry
from mlspec.plugins.metric import Metric
from mlspec.steps.evaluation import intervals

CLASSES = ("roc_auc", "average_precision", "calibration_error", "log_loss", "brier", "accuracy", "f1")
NUMBERS = ("rmse", "mae", "r2", "mape")

Array = np.ndarray[Any, Any]


def by_hand(positive: Array, score: Array) -> tuple[float, float]:
    order = np.argsort(score)
    mine, ordered = positive[order], score[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(first, append=len(score))
    found = np.add.reduceat(mine, first, dtype=np.int64)
    others = sizes - found
    m, k = found.sum(), others.sum()
    ranked = (np.cumsum(others) - others / 2) / k
    placed = 1 - (np.cumsum(found) - found / 2) / m
    area = float(ranked @ found) / m
    variance = float(found @ (ranked - area) ** 2) / m / m + float(others @ (placed - area) ** 2) / k / k
    return area, variance**0.5


def seconds(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    rows = parser.parse_args().rows
    random = np.random.default_rng(0)
    spent: dict[str, list[float]] = {}
    for n in [1_000, *rows]:  # the first one imports what is needed
        score = random.random(n)
        truth = (random.random(n) < score).astype(np.int64)
        models = np.column_stack([1 - score, score]), np.column_stack([score, 1 - score])
        value = random.normal(size=n)
        around = value + random.normal(size=n)
        tasks: tuple[tuple[tuple[str, ...], Array, Array, Array], ...] = (
            (CLASSES, truth, *models),
            (NUMBERS, around, value, np.zeros(n)),
        )
        for names, real, model, other in tasks:
            for name in names:
                both = [(name, cast(Metric, registry.plugin("metrics", name)()))]
                given = (both, real, model, {"other": other})
                spent.setdefault(name, []).append(
                    seconds(partial(intervals.measure, *given, level=0.95, resamples=1000))
                )
        hand = [seconds(partial(by_hand, truth == 1, one[:, 1])) for one in models]
        spent.setdefault("roc_auc by hand", []).append(sum(hand))
    print(f"{'CPU seconds':20}" + "".join(f"{n:>14,}" for n in rows) + "   growth")
    for name, (_, *found) in spent.items():
        growth = " ".join(f"{b / max(a, 1e-9):.1f}x" for a, b in pairwise(found))
        print(f"{name:20}" + "".join(f"{one:14.3f}" for one in found) + f"   {growth}")
    print(f"roc_auc beside by hand: {spent['roc_auc'][-1] / spent['roc_auc by hand'][-1]:.2f}x")


if __name__ == "__main__":
    main()
