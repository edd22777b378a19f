"""How often intervals of 95 % hold the true value, how often a gate on it passes falsely, and how often there is none.

``python benchmarks/coverage_of_intervals.py [--draws N] [--old] [--paired] [METRIC ...]``: every metric, by number of
rows and difficulty. The true value is that of 2,000,000 rows. ``printed`` is the share of samples with an interval,
``covers`` how many of these hold the true value, ``passes`` and ``fails`` how many of all samples a gate with its bound
on the true value passes or fails falsely. ``--old``: the percentile bootstrap of 300 replicates as well. ``--paired``:
differences between two predictions.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from mlspec import registry
from mlspec.steps.evaluation import intervals

Array = np.ndarray[Any, Any]
Draw = Callable[[np.random.Generator, int], tuple[Array, Array, Array]]

SIZES = (50, 100, 300, 1000)
LEVEL = 0.95
WHOLE = 2_000_000
REPLICATES = 300


def _ranked(rate: float, distance: float, bend: float = 1.0) -> Draw:
    """Classes whose scores are normal and so far apart, with the probabilities that follow, to the power of ``bend`` in
    odds; the other prediction sees the score less well."""

    def draw(random: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        truth = (random.random(n) < rate).astype(np.int64)
        score = random.standard_normal(n) + distance * truth
        worse = score + 0.5 * random.standard_normal(n)
        return (
            truth,
            _two(_posterior(score, rate, distance, 1.0), bend),
            _two(_posterior(worse, rate, distance, 1.25), 1.0),
        )

    return draw


def _posterior(score: Array, rate: float, distance: float, variance: float) -> Array:
    return np.asarray((distance * score - distance**2 / 2) / variance + math.log(rate / (1 - rate)))


def _two(odds: Array, bend: float) -> Array:
    positive = 1 / (1 + np.exp(-bend * odds))
    return np.stack([1 - positive, positive], axis=1)


def _classes(distance: float, rates: tuple[float, ...]) -> Draw:
    def draw(random: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        truth = random.choice(len(rates), n, p=rates)
        noise = random.standard_normal((n, len(rates)))
        found = []
        for more in (0.0, 0.5):
            logits = distance * (noise + more * random.standard_normal(noise.shape)) / (1 + more**2)
            logits += distance**2 / (1 + more**2) * (truth[:, None] == np.arange(len(rates))) + np.log(rates)
            raised = np.exp(logits - logits.max(axis=1, keepdims=True))
            found.append(raised / raised.sum(axis=1, keepdims=True))
        return truth, found[0], found[1]

    return draw


def _errors(error: Callable[[np.random.Generator, int], Array]) -> Draw:
    """Positive values, and predictions with such errors."""

    def draw(random: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
        truth = 20 + 3 * random.standard_normal(n)
        own = error(random, n)
        return truth, truth + own, truth + own + 0.5 * error(random, n)

    return draw


def _prices(random: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
    """Right-skewed values, predicted within some percent."""
    truth = np.exp(0.5 * random.standard_normal(n))
    own = 0.1 * random.standard_normal(n)
    return truth, truth * np.exp(own), truth * np.exp(own + 0.05 * random.standard_normal(n))


BINARY: dict[str, Draw] = {
    "hard": _ranked(0.5, 0.95),
    "easy": _ranked(0.5, 2.9),
    "5 % positive": _ranked(0.05, 1.8),
    "5 % positive, easy": _ranked(0.05, 2.9),
    "overconfident": _ranked(0.3, 1.5, 1.7),
}
SEVERAL: dict[str, Draw] = {
    "4 classes": _classes(1.3, (0.25, 0.25, 0.25, 0.25)),
    "4 classes, easy, one rare": _classes(3.0, (0.4, 0.3, 0.2, 0.1)),
}
NUMBERS: dict[str, Draw] = {
    "normal errors": _errors(lambda random, n: random.standard_normal(n)),
    "Laplace errors": _errors(lambda random, n: random.laplace(size=n)),
    "prices": _prices,
    "log-normal errors": _errors(lambda random, n: np.exp(random.standard_normal(n)) * random.choice((-1, 1), n)),
    "very heavy tail": _errors(lambda random, n: np.exp(1.5 * random.standard_normal(n)) * random.choice((-1, 1), n)),
}
FAMILIES = {
    "binary_classification": BINARY,
    "multiclass_classification": SEVERAL,
    "regression": NUMBERS,
}


class Found(NamedTuple):
    """Shares over samples: with a value, with an interval (of those), intervals that hold the true value, samples in
    which a gate on it passes and fails falsely."""

    metric: str
    case: str
    n: int
    defined: float
    printed: float
    covers: float
    passes: float
    fails: float


def cases(metrics: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, str, Draw]]:
    """Each metric with each case that fits its task."""
    for name in metrics or tuple(registry.names("metrics")):
        metric: Any = registry.plugin("metrics", name)(**({"false_negative": 5.0} if name == "expected_cost" else {}))
        for task, family in FAMILIES.items():
            if task in metric.tasks:
                yield from ((name, metric, case, draw) for case, draw in family.items())


def simulated(
    name: str, metric: Any, case: str, draw: Draw, n: int, draws: int, *, old: bool = False, paired: bool = False
) -> Found:
    """One cell of the table."""
    truth, own, other = draw(np.random.default_rng(0), WHOLE)
    sign = 1.0 if metric.greater_is_better else -1.0
    real = sign * metric.score(truth, own) - (sign * metric.score(truth, other) if paired else 0.0)
    return against(name, metric, case, draw, n, draws, real, old=old, paired=paired)


def against(
    name: str, metric: Any, case: str, draw: Draw, n: int, draws: int, real: float, *, old: bool, paired: bool
) -> Found:
    """The same for a true value that is known, oriented: more is better."""
    random = np.random.default_rng([n, draws])
    sign = 1.0 if metric.greater_is_better else -1.0
    defined = printed = holds = passes = fails = 0
    for _ in range(draws):
        truth, own, other = draw(random, n)
        if intervals.score(metric, truth, own) is None:
            continue
        defined += 1
        ends = (
            _old(metric, truth, own, other if paired else None)
            if old
            else _new(metric, truth, own, other if paired else None)
        )
        if ends is None:
            continue
        low, high = ends if paired or sign > 0 else (-ends[1], -ends[0])
        printed += 1
        holds += low <= real <= high
        passes += low > real
        fails += high < real
    most, some = max(defined, 1), max(printed, 1)
    return Found(name, case, n, defined / draws, printed / most, holds / some, passes / most, fails / most)


def _new(metric: Any, truth: Array, own: Array, other: Array | None) -> tuple[float, float] | None:
    found = (
        intervals.around(metric, truth, own, LEVEL, REPLICATES)
        if other is None
        else intervals.difference(metric, truth, own, other, LEVEL, REPLICATES)
    )
    return None if found["low"] is None else (found["low"], found["high"])


def _old(metric: Any, truth: Array, own: Array, other: Array | None) -> tuple[float, float] | None:
    """Percentiles of bootstrap replicates, as they were printed before."""
    given = {"own": own} if other is None else {"own": own, "other": other}
    drawn = intervals.replicates(metric, truth, given, REPLICATES)
    sign = 1.0 if metric.greater_is_better else -1.0
    return intervals.percentiles(drawn["own"] if other is None else sign * (drawn["own"] - drawn["other"]), LEVEL)


def main() -> None:
    """Prints the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="*")
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--paired", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    asked = parser.parse_args()
    print(
        "| metric | case | rows | defined | printed | covers | passes | fails |"
        + (" old covers | old passes |" if asked.old else "")
    )
    print("| --- " * (10 if asked.old else 8) + "|")
    for name, metric, case, draw in cases(tuple(asked.metrics)):
        truth, own, other = draw(np.random.default_rng(0), WHOLE)
        sign = 1.0 if metric.greater_is_better else -1.0
        real = sign * (metric.score(truth, own) - (metric.score(truth, other) if asked.paired else 0.0))
        for n in asked.sizes:
            found = against(name, metric, case, draw, n, asked.draws, real, old=False, paired=asked.paired)
            text = [f"{share:.1%}" for share in found[3:]]
            if asked.old:
                before = against(
                    name, metric, case, draw, n, max(asked.draws // 4, 100), real, old=True, paired=asked.paired
                )
                text += [f"{before.covers:.1%}", f"{before.passes:.1%}"]
            print(f"| {name} | {case} ({sign * real:.4g}) | {n:,} | " + " | ".join(text) + " |", flush=True)


if __name__ == "__main__":
    main()
